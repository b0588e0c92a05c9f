/**
 * The Fastify plugin: takes the token off each request, sends it down the pipeline, asks the route's
 * policy, and answers for every refusal.
 *
 * The guard is one `onRequest` hook that reads the route's config when a request comes, and not
 * something attached to routes by `onRoute`: routes that were declared before this plugin was loaded
 * would stay open.
 */
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyRequest,
  onRequestHookHandler,
} from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { AccessToken } from './access-token.js'
import './augment.js'
import { responseHeaders } from './challenge.js'
import { bearerToken } from './credentials/bearer.js'
import { MissingCredentialsError, ResourceServerError } from './errors.js'
import {
  type PluginOptions,
  type ResolvedPluginOptions,
  resolvePluginOptions,
} from './plugin-options.js'
import type { Policy } from './policy/requirement.js'
import { assemble, type Core, ResourceServer } from './resource-server.js'
import { type RouteGuard, RouteGuards } from './route-guard.js'

const plugin: FastifyPluginAsync<PluginOptions> = async (fastify, options) => {
  requireFirst(fastify)
  const resolved = resolvePluginOptions(options)
  const core = await assemble({ ...resolved.resourceServer, logger: fastify.log })
  const server = new ResourceServer<FastifyRequest>(core)
  const guards = new RouteGuards(resolved.global)

  fastify.decorate('resourceServer', server)
  fastify.decorateRequest('auth', null)
  fastify.decorateRequest('claims', { getter: readClaims })
  fastify.addHook('onRequest', createGuardHook(core, guards, resolved))
  // Only to find mistakes in a requirement before the first request does.
  fastify.addHook('onRoute', ({ config }) => {
    if (config && 'auth' in config && !Object.hasOwn(config, 'auth')) {
      throw new TypeError('config.auth must be a member of its own: Fastify drops inherited ones')
    }
    if (config) guards.of(config as FastifyRequest['routeOptions']['config'])
  })
  fastify.addHook('onClose', async () => server.close())
}

export default fastifyPlugin<PluginOptions>(plugin, {
  fastify: '5.x',
  name: 'fastify-resource-server',
})

/** The scopes of each server in which the plugin is registered. */
const scopes = new WeakMap<object, FastifyInstance[]>()

function requireFirst(fastify: FastifyInstance): void {
  const others = scopes.get(fastify.server) ?? []
  scopes.set(fastify.server, [...others, fastify])
  // Scopes inherit from the one around them, and get its hooks even if they were there first.
  const inside = others.some((other) => Object.prototype.isPrototypeOf.call(fastify, other))
  if (!inside && !fastify.hasDecorator('resourceServer')) return
  throw new TypeError(
    'fastify-resource-server is registered already in this scope, in one around it or in one ' +
      'inside of it, and would guard the inner one twice. For several issuers give an array as ' +
      '"issuer"; for scopes with different issuers register it in each of them, side by side',
  )
}

function readClaims(this: FastifyRequest) {
  if (this.auth) return this.auth.claims
  throw new TypeError(
    'request.claims was read on a request without a verified access token. Protect the route ' +
      '(remove auth: false), or look at request.auth, which is null then',
  )
}

function createGuardHook(
  { pipeline, realm }: Core,
  guards: RouteGuards,
  { extractToken = tokenInHeader, onReject }: ResolvedPluginOptions,
): onRequestHookHandler {
  const authenticate = (request: FastifyRequest, { policy, optional }: RouteGuard) => {
    const raw: unknown = extractToken(request) ?? ''
    if (typeof raw !== 'string') {
      // Its rejection would be nobody's, and end the process.
      Promise.resolve(raw).catch(() => {})
      throw new TypeError('"extractToken" must return a string or undefined, and not a promise')
    }
    if (raw === '') {
      if (optional) return null
      throw new MissingCredentialsError()
    }
    const token = pipeline.verify(raw)
    return token instanceof Promise
      ? token.then((verified) => permit(verified, policy, request))
      : permit(token, policy, request)
  }

  return (request, reply, done) => {
    let scope = ''
    const admit = (token: AccessToken | null) => {
      request.auth = token
      done()
    }
    const refuse = (reason: unknown) => {
      // Fastify takes a falsy error for none, and would let the request in.
      const error = reason instanceof Error ? reason : new Error('what was thrown is no Error')
      if (error instanceof ResourceServerError) {
        const headers = responseHeaders(error, { realm, scope })
        reply.headers(headers)
        // Not by assignment, which throws where the application froze an error of ours.
        Reflect.set(error, 'headers', headers)
        report(error, request, onReject)
      }
      done(error)
    }

    let outcome: ReturnType<typeof authenticate>
    try {
      const guard = guards.of(request.routeOptions.config)
      if (guard !== undefined) scope = guard.policy.scope
      outcome = guard === undefined || isPreflight(request) ? null : authenticate(request, guard)
    } catch (error) {
      return refuse(error)
    }
    // Nothing is awaited for a token that is known already.
    if (outcome instanceof Promise) outcome.then(admit, refuse)
    else admit(outcome)
  }
}

function permit(token: AccessToken, policy: Policy<FastifyRequest>, request: FastifyRequest) {
  // Who it is, is known now, also to "authorize" and to whoever handles its refusal.
  request.auth = token
  const permitted = policy.require(token, request)
  return permitted === undefined ? token : permitted.then(() => token)
}

function tokenInHeader(request: FastifyRequest): string | undefined {
  return bearerToken(request.raw)
}

/**
 * A browser asks before it sends a token (Fetch §4.9), so that question must be answered without
 * one. Only a route that is there for such questions alone, like that of `@fastify/cors`, passes:
 * on any other, two headers would be all it takes to get in.
 */
function isPreflight({ method, headers, routeOptions }: FastifyRequest): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined &&
    routeOptions.method === 'OPTIONS' &&
    // A route that asks for something itself is there for more than such questions.
    !Object.hasOwn(routeOptions.config, 'auth') &&
    /^\/?\*$|[^/]\*$/.test(`${routeOptions.url}`)
  )
}

/** The reason goes to the operator. Nothing that the caller sent is in the log line. */
function report(
  error: ResourceServerError,
  request: FastifyRequest,
  onReject: PluginOptions['onReject'],
): void {
  const { check, expected } = error.finding
  const failed = (err: unknown) => request.log.error({ err }, '"onReject" failed')
  try {
    request.log.info({ code: error.code, check, expected }, `request refused: ${error.message}`)
    Promise.resolve(onReject?.(error, request)).catch(failed)
  } catch (err) {
    failed(err)
  }
}
