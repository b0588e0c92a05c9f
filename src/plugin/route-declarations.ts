/**
 * Checks the routes of a guarded encapsulation context when they are declared, and at start-up, so
 * that an invalid declaration, or a plugin that guards nothing, is reported before the first
 * request.
 */
import type {
  HookHandlerDoneFunction as DoneFunction,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RouteOptions,
} from 'fastify'
import { REQUIREMENT_KEYS } from '../policy/requirement.js'
import type { Gate } from './gate.js'
import { checkedLast, isPreflightRoute } from './preflight.js'
import { RegisteredRequirements } from './registered-requirements.js'
import { type RouteGuard, type RouteGuards, withOwnRequirement } from './route-guard.js'

/**
 * Adds the hooks that check routes.
 *
 * @param declareOwn declares the plugin's own routes, which do not count as the application's.
 * @throws {TypeError} if Object.prototype has a member "config", because every route without its
 *   own config would inherit it.
 */
export async function checkRoutes(
  fastify: FastifyInstance,
  guards: RouteGuards,
  gate: Gate,
  declareOwn: () => Promise<void>,
): Promise<void> {
  // Routes declared before the plugin bypass the onRoute hook below, so a polluted Object.prototype
  // may already have given them a config.
  if ('config' in Object.prototype) throw new TypeError(INHERITED_CONFIG)
  const declared = new Map<RouteOptions, FastifyInstance>()
  const misplaced = new Set<string>()
  const registered = new RegisteredRequirements(fastify)
  let isOwn = true
  fastify.addHook('onRoute', function (route) {
    compile(route, guards)
    if (route.config) route.config = withOwnRequirement(route.config)
    const isPreflight = isPreflightRoute(route as never)
    if (isPreflight) {
      route.config = checkedLast(route.config)
      gate.addLastHook(this)
    }
    if (isOwn) {
      route.onRequest = [route.onRequest ?? [], ownRouteMarker].flat()
      return
    }
    if (isPreflight) return
    declared.set(route, this)
    for (const requirement of misplacedRequirements(route)) misplaced.add(requirement)
  })
  await declareOwn()
  isOwn = false
  fastify.addHook('onReady', async () => {
    const declaredRoutes = [...declared.keys()].reduce((sum, route) => sum + maxRoutesOf(route), 0)
    const routes = countRoutes(fastify, gate.name)
    if (declaredRoutes === 0 && routes === 0 && isEncapsulated(fastify)) {
      throw new TypeError(GUARDS_NOTHING)
    }
    // Compiles again, because the onRoute hooks of nested contexts run after the hook above, and may
    // have changed config.
    const guarded = [...declared.keys()].filter((route) => compile(route, guards) !== undefined)
    // Routes that were declared before the plugin bypassed the onRoute hook above.
    const unchecked = routes - declaredRoutes
    if (unchecked > 0) {
      // Without "global", such a route is open if its requirement is outside of config.auth.
      fastify.log[guards.isGlobal ? 'info' : 'warn']({ routes: unchecked }, UNCHECKED)
    } else if (!guards.isGlobal && guarded.length === 0 && declaredRoutes > 0) {
      fastify.log.warn(NO_REQUIREMENTS)
    }
    const withAuth = [...declared].filter(([{ config }]) => config?.auth !== undefined)
    registered.warnOfUnused(withAuth.map(([, context]) => context))
    if (misplaced.size > 0) {
      fastify.log.warn({ misplaced: [...misplaced].slice(0, MAX_MISPLACED) }, MISPLACED)
    }
  })
}

/**
 * Returns the requirements that are members of the route or of `config`, where the plugin ignores
 * them, such as `/orders: config.scope`. They cause a warning and no error, because such a member
 * may belong to another plugin.
 */
function misplacedRequirements({ url, config, ...route }: RouteOptions): readonly string[] {
  const places = [
    ['', route],
    ['config.', config ?? {}],
  ] as const
  return places.flatMap(([prefix, members]) =>
    [...REQUIREMENT_KEYS, 'scopes', 'requiredScopes', 'role', 'group', 'permission']
      .filter((key) => Object.hasOwn(members, key))
      .map((key) => `${url}: ${prefix}${key}`),
  )
}

/**
 * Compiles the guard of a declared route; returns `undefined` for an open route.
 *
 * @throws {TypeError} if the declaration is invalid; the message names the route.
 */
function compile(route: RouteOptions, guards: RouteGuards): RouteGuard | undefined {
  const { config, schema } = route
  try {
    if (Object.hasOwn(route, 'auth')) {
      throw new TypeError(
        '"auth" has no effect as an option of the route: move it into config: { auth: … }',
      )
    }
    if (!Object.hasOwn(route, 'config') && 'config' in route) {
      throw new TypeError(INHERITED_CONFIG)
    }
    if (config && 'auth' in config && !Object.hasOwn(config, 'auth')) {
      throw new TypeError(
        'config.auth must be an own property of config: Fastify drops inherited ones',
      )
    }
    const misspelled = Object.keys(config ?? {}).find(
      (key) => /^auth$/i.test(key) && key !== 'auth',
    )
    if (misspelled !== undefined) {
      throw new TypeError(`config.${misspelled} has no effect: write config.auth`)
    }
    return guards.declare(config ?? {}, schema)
  } catch (error) {
    const { message } = error as Error
    throw new TypeError(`Route ${methodsOf(route)}:${route.url}: ${message}`, { cause: error })
  }
}

function methodsOf({ method }: RouteOptions): readonly string[] {
  return [method].flat()
}

/**
 * Returns the maximum number of routes that Fastify adds for a declaration, one per method. For the
 * path "/" in a context with a prefix, Fastify adds a route with and one without the slash, and
 * calls the onRoute hooks for the second one only.
 */
function maxRoutesOf(route: RouteOptions & { routePath?: string }): number {
  return methodsOf(route).length * (route.routePath === '' ? 2 : 1)
}

/** Marks the plugin's own routes in the output of `printRoutes()`. */
function ownRouteMarker(_request: FastifyRequest, _reply: FastifyReply, done: DoneFunction): void {
  done()
}

/**
 * Counts the application's routes on which Fastify runs the hook named `hook`, one per method.
 * Includes routes that were declared before the plugin, but no preflight routes.
 */
function countRoutes(fastify: FastifyInstance, hook: string): number {
  let methods = 0
  let routes = 0
  for (const line of fastify.printRoutes({ includeHooks: true, commonPrefix: false }).split('\n')) {
    if (!line.includes('• (')) {
      const [, path = '', names = ''] = /(\S*) \(([A-Z, -]+)\)(?: \{.*\})?$/.exec(line) ?? []
      const isPreflight = (name: string) => name === 'OPTIONS' && path.endsWith('*')
      methods = names.split(', ').filter((name) => name !== '' && !isPreflight(name)).length
    } else if (line.includes(`"${hook}()"`) && !line.includes(ownRouteMarker.name))
      routes += methods
  }
  return routes
}

/** Whether this is a child context: only then can routes outside of the guarded context exist. */
function isEncapsulated(fastify: FastifyInstance): boolean {
  return 'register' in Object.getPrototypeOf(fastify)
}

const INHERITED_CONFIG =
  '"config" must be an own property of the route, but Object.prototype has it: remove it there'

const GUARDS_NOTHING =
  'fastify-resource-server guards nothing: no route is declared in the encapsulation context in which ' +
  'it is registered, and routes outside of it are open. Wrap the function that registers it with ' +
  'fastify-plugin, or declare the routes inside of that function'

const NO_REQUIREMENTS =
  'fastify-resource-server guards nothing: "global" is false and every route is open; set config.auth on the routes to guard'

const UNCHECKED =
  'routes were declared before fastify-resource-server was loaded: mistakes in their config.auth are ' +
  'reported only when they are requested, and requirements outside of it are not reported; await ' +
  'app.register(…) first, or declare the routes in a function that is registered after it'

/** Maximum number of routes in the log line, because an application may have thousands. */
const MAX_MISPLACED = 20

const MISPLACED =
  'routes have requirements outside of config.auth, where they require nothing; move them into config: { auth: … }'
