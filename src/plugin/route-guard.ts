/** Compiles the requirements in `config.auth` of each route into a guard, once per route. */
import type { FastifyContextConfig, FastifyRequest } from 'fastify'
import { describeValue } from '../base/describe-value.js'
import { isPlainObject, requireKnownKeys } from '../base/plain-object.js'
import type { ResolvedBindingRequirement } from '../binding/presentation.js'
import { acceptedSchemes, resolveBindingRequirement } from '../binding/requirement.js'
import {
  compilePolicy,
  type Policy,
  REQUIREMENT_KEYS,
  type Requirement,
} from '../policy/requirement.js'
import type { Core } from '../server/assembly.js'
import { RouteChallenges } from '../server/route-challenges.js'
import { EQUIVALENT_REQUIREMENTS } from './equivalent-requirements.js'

/**
 * Requirements on the token of a request to a route, set as `config.auth`. An unknown key is an
 * error when the route is declared. The compiler reports the likely ones, such as `role`, and all with
 * `satisfies`, because Fastify accepts any `config`.
 *
 * @example
 * ```ts
 * import type { RouteRequirement } from 'fastify-resource-server'
 *
 * const auth = { scope: 'orders:read' } satisfies RouteRequirement
 * app.get('/orders', { config: { auth } }, handler)
 * ```
 */
export interface RouteRequirement extends Requirement<FastifyRequest> {
  /**
   * Whether a request without a token is accepted, with `request.auth` set to `null`. If a request
   * has a token, the token must be valid. Default false.
   */
  optional?: boolean
}

export const ROUTE_REQUIREMENT_KEYS: readonly string[] = [...REQUIREMENT_KEYS, 'optional']

export interface RouteGuard {
  /** The guards of the context to which this one belongs. */
  readonly owner: RouteGuards
  readonly policy: Policy<FastifyRequest>
  readonly binding: ResolvedBindingRequirement
  /** Accepted authentication schemes as text for messages, such as `Bearer or DPoP`. */
  readonly schemes: string
  readonly optional: boolean
  /** Computes the response headers of rejections. */
  readonly challenges: RouteChallenges<FastifyRequest>
}

type Rules = Pick<Core, 'clock' | 'realm' | 'binding' | 'resourceMetadata'>

/** The guards of all routes of an encapsulation context. An open route has no guard. */
export class RouteGuards {
  /** Whether routes without `config.auth` are guarded. */
  readonly isGlobal: boolean
  /** Stands for the guard of an open route, which has none. */
  readonly openRoute: Pick<RouteGuard, 'owner'> = { owner: this }
  readonly #core: Rules
  readonly #anyTokenGuard: RouteGuard
  /** Keyed by the object in `config.auth`, because Fastify copies the config that contains it. */
  readonly #declared = new WeakMap<object, RouteGuard>()
  readonly #byConfig = new WeakMap<object, RouteGuard | undefined>()

  constructor(isGlobal: boolean, core: Rules) {
    this.isGlobal = isGlobal
    this.#core = core
    this.#anyTokenGuard = { owner: this, ...compileGuard({}, core) }
  }

  /**
   * Compiles the guard of a route before the first request, so that later mutations of the object in
   * `config.auth` have no effect.
   *
   * @param schema the schema of the route. If it hides the route, the requirements of the route are
   *   not added to the metadata.
   * @returns `undefined` for an open route.
   * @throws {TypeError} if `config.auth` is invalid.
   */
  declare(config: object, schema?: unknown): RouteGuard | undefined {
    const auth = this.#authOf(config)
    const guard = this.#compile(auth, schema)
    if (guard !== undefined && typeof auth === 'object') this.#declared.set(auth as object, guard)
    return guard
  }

  /**
   * Returns the guard of a route; `undefined` for an open route.
   *
   * @throws {TypeError} if `config.auth` is invalid, because such a route must not be open.
   */
  guardFor(config: FastifyContextConfig, schema?: unknown): RouteGuard | undefined {
    const cached = this.#byConfig.get(config)
    if (cached !== undefined || this.#byConfig.has(config)) return cached
    const auth = this.#authOf(config)
    const guard = this.#declared.get(auth as object) ?? this.#compile(auth, schema)
    this.#byConfig.set(config, guard)
    return guard
  }

  /**
   * Returns the guard whose challenges apply: for an open route, the guard that accepts any valid
   * token.
   */
  guardForChallenge(config: FastifyContextConfig, schema?: unknown): RouteGuard {
    return this.guardFor(config, schema) ?? this.#anyTokenGuard
  }

  #authOf(config: FastifyContextConfig): unknown {
    // A not-found handler without its own config gets Object.prototype.config if the prototype is
    // polluted. Such a config must not decide whether the route is open, so the default applies.
    const isInherited = config === (Object.prototype as { config?: unknown }).config
    return Object.hasOwn(config, 'auth') && !isInherited ? config.auth : this.isGlobal
  }

  #compile(auth: unknown, schema: unknown): RouteGuard | undefined {
    if (auth === false) return undefined
    if (auth === true) return this.#anyTokenGuard
    const guard = { owner: this, ...compileGuard(auth, this.#core) }
    if (!isHidden(schema)) {
      const { scope, authorizationDetailsTypes } = guard.policy
      this.#core.resourceMetadata?.addScope(scope.fixed.scope.split(' '))
      this.#core.resourceMetadata?.addAuthorizationDetailsTypes(authorizationDetailsTypes)
    }
    return guard
  }
}

/**
 * Returns a copy of the config of a route with its own copy of `config.auth`, because the application
 * may use one object for several routes and change it in between.
 */
export function withOwnRequirement<Config extends object>(config: Config): Config {
  if (!Object.hasOwn(config, 'auth')) return config
  return { ...config, auth: copyOf((config as { auth?: unknown }).auth) }
}

/** Copies arrays and plain objects; a valid requirement has no cycles. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copyOf(member)]))
}

function compileGuard(requirement: unknown, core: Rules): Omit<RouteGuard, 'owner'> {
  if (!isPlainObject(requirement)) {
    throw new TypeError(
      'config.auth must be true, false, or an object with requirements, such as ' +
        `{ scope: 'orders:read' }, not ${describeValue(requirement)}; omit it to use the default`,
    )
  }
  const { optional = false, ...required } = requireKnownKeys(
    'config.auth',
    requirement,
    ROUTE_REQUIREMENT_KEYS,
    EQUIVALENT_REQUIREMENTS,
  )
  if (typeof optional !== 'boolean')
    throw new TypeError(
      `config.auth.optional must be true or false, not ${describeValue(optional)}`,
    )
  const policy = compilePolicy<FastifyRequest>(required, core.clock, core.resourceMetadata)
  const binding = resolveBindingRequirement(required, core.binding.requirement, 'config.auth')
  const challenges = new RouteChallenges(core, binding, policy.scope)
  return { policy, binding, schemes: acceptedSchemes(binding), optional, challenges }
}

/** Default of the option `hiddenTag` of `@fastify/swagger`. */
const HIDDEN_TAG = 'X-HIDDEN'

/** Whether the schema hides its route from OpenAPI documents: by `hide`, or by the hidden tag. */
export function isHidden(schema: unknown): boolean {
  const { hide, tags } = (schema ?? {}) as { hide?: unknown; tags?: unknown }
  return Boolean(hide) || (Array.isArray(tags) && tags.includes(HIDDEN_TAG))
}
