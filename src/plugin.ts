/**
 * The Fastify plugin: takes the token off each request, sends it down the pipeline, asks the route's
 * policy, and answers for every refusal.
 *
 * The guard is one `onRequest` hook that reads the route's config when a request comes, and not
 * something attached to routes by `onRoute`: routes that were declared before this plugin was loaded
 * would stay open.
 */
import type {
  HookHandlerDoneFunction as DoneFunction,
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
} from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { AccessToken } from './access-token.js'
import { assemble, type Core } from './assembly.js'
import './augment.js'
import { responseHeaders } from './challenge.js'
import { bearerCredentials, malformedHeader } from './credentials/bearer.js'
import { InvalidTokenError, MissingCredentialsError, ResourceServerError } from './errors.js'
import type { NowOrLater } from './now-or-later.js'
import {
  type PluginOptions,
  type ResolvedPluginOptions,
  resolvePluginOptions,
} from './plugin-options.js'
import type { Policy } from './policy/requirement.js'
import { ResourceServer } from './resource-server.js'
import { type RouteGuard, RouteGuards } from './route-guard.js'
import { isToken68 } from './token68.js'

const plugin: FastifyPluginAsync<PluginOptions> = async (fastify, options) => {
  requireFirst(fastify)
  const resolved = resolvePluginOptions(options)
  const core = await assemble({ ...resolved.resourceServer, logger: fastify.log })
  const server = new ResourceServer<FastifyRequest>(core)
  const guards = new RouteGuards(resolved.global, core.clock)

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
  core: Core,
  guards: RouteGuards,
  { extractToken, onReject }: ResolvedPluginOptions,
): onRequestHookHandler {
  const { pipeline, realm, counters } = core

  // On the way of a known token nothing is awaited, and neither a promise nor a closure is made.
  return (request, reply, done) => {
    let guard: RouteGuard | undefined
    let outcome: NowOrLater<AccessToken | null>
    try {
      guard = guards.of(request.routeOptions.config)
      outcome = guard === undefined || isPreflight(request) ? null : authenticate(request, guard)
    } catch (error) {
      return done(refusal(error, guard, request, reply))
    }
    if (outcome instanceof Promise) admitLater(outcome, guard, request, reply, done)
    else admit(outcome, request, done)
  }

  function authenticate(request: FastifyRequest, { policy, optional }: RouteGuard) {
    const token =
      extractToken === undefined
        ? tokenInHeader(request, pipeline)
        : tokenElsewhere(request, pipeline, extractToken)
    if (token === undefined) {
      if (optional) return null
      throw new MissingCredentialsError()
    }
    return token instanceof Promise
      ? token.then((verified) => permit(verified, policy, request))
      : permit(token, policy, request)
  }

  function admit(token: AccessToken | null, request: FastifyRequest, done: DoneFunction): void {
    request.auth = token
    done()
  }

  function admitLater(
    verifying: Promise<AccessToken | null>,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
    done: DoneFunction,
  ): void {
    verifying.then(
      (token) => admit(token, request, done),
      (error) => done(refusal(error, guard, request, reply)),
    )
  }

  /** What Fastify is to answer with. */
  function refusal(
    thrown: unknown,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Error {
    const reason = extractToken === undefined ? headerRefusal(thrown, request) : thrown
    // Fastify takes a falsy error for none, and would let the request in.
    if (!(reason instanceof Error)) return new Error('what was thrown is no Error')
    if (guard !== undefined && reason instanceof ResourceServerError) {
      const headers = responseHeaders(reason, { realm, scope: guard.policy.scope })
      reply.headers(headers)
      // Not by assignment, which throws where the application made the error's own immutable.
      Reflect.set(reason, 'headers', headers)
      counters.reject(reason.code)
      report(reason, request, onReject)
    }
    return reason
  }
}

/** The verified token out of the `Authorization` header; `undefined` where there is none. */
function tokenInHeader(request: FastifyRequest, pipeline: Core['pipeline']) {
  const token = bearerCredentials(request.raw)
  return token === undefined ? undefined : pipeline.verify(token, request)
}

/**
 * What isn't even a token to HTTP is a malformed request, and not a bad token. Looked at last,
 * because it costs more than to find a known token.
 */
function headerRefusal(reason: unknown, { raw }: FastifyRequest): unknown {
  if (!(reason instanceof InvalidTokenError) || reason.check !== 'token') return reason
  return isToken68(bearerCredentials(raw) as string) ? reason : malformedHeader()
}

/** The same for a token that the application finds somewhere else. */
function tokenElsewhere(
  request: FastifyRequest,
  pipeline: Core['pipeline'],
  extractToken: NonNullable<PluginOptions['extractToken']>,
) {
  const token: unknown = extractToken(request) ?? ''
  if (token === '') return undefined
  if (typeof token === 'string') return pipeline.verify(token, request)
  // Its rejection would be nobody's, and end the process.
  Promise.resolve(token).catch(() => {})
  throw new TypeError('"extractToken" must return a string or undefined, and not a promise')
}

function permit(
  token: AccessToken,
  policy: Policy<FastifyRequest>,
  request: FastifyRequest,
): NowOrLater<AccessToken> {
  // Who it is, is known now, also to "authorize" and to whoever handles its refusal.
  request.auth = token
  const permitted = policy.require(token, request)
  return permitted === undefined ? token : permitted.then(() => token)
}

/**
 * A browser asks before it sends a token (Fetch §4.9), so that question must be answered without
 * one. Only a route that is there for such questions alone, like that of `@fastify/cors`, passes:
 * on any other, two headers would be all it takes to get in.
 */
function isPreflight(request: FastifyRequest): boolean {
  if (request.method !== 'OPTIONS') return false
  const { headers, routeOptions } = request
  return (
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
  const { code, check, expected } = error
  const failed = (err: unknown) => request.log.error({ err }, '"onReject" failed')
  try {
    request.log.info({ code, check, expected }, `request refused: ${error.message}`)
    Promise.resolve(onReject?.(error, request)).catch(failed)
  } catch (err) {
    failed(err)
  }
}
