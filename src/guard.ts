/**
 * The guard of every route: takes the token off a request, sends it down the pipeline, has its
 * binding proven, asks the route's policy, and answers for every refusal.
 */
import type {
  HookHandlerDoneFunction as DoneFunction,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
} from 'fastify'
import { AccessToken } from './access-token.js'
import type { Core } from './assembly.js'
import type { Scheme } from './binding/presentation.js'
import { diagnostics, publish } from './diagnostics.js'
import { MissingCredentialsError, ResourceServerError } from './errors.js'
import { andThen, isLater, type Outcome, orThrow } from './now-or-later.js'
import type { PluginOptions, ResolvedPluginOptions } from './plugin-options.js'
import { isPreflight } from './preflight.js'
import { RequestCredentials } from './request-credentials.js'
import type { RouteGuard, RouteGuards } from './route-guard.js'
import { logSafely } from './safe-logger.js'

export function createGuardHook(
  core: Core,
  guards: RouteGuards,
  options: ResolvedPluginOptions,
): onRequestHookHandler {
  const { pipeline, binding, counters } = core
  const credentials = new RequestCredentials(options, core)

  // On the way of a known bearer token nothing is awaited, and neither a promise nor a closure made.
  return (request, reply, done) => {
    let guard: RouteGuard | undefined
    let outcome: Outcome<AccessToken | null> | Promise<AccessToken | null>
    try {
      const { config, schema } = request.routeOptions
      guard = guards.of(config, schema)
      if (guard !== undefined && isPreflight(request)) guard = undefined
      outcome = guard === undefined ? null : authenticate(request, guard, reply)
    } catch (error) {
      return refuse(error, guard, request, reply, done)
    }
    if (isLater(outcome)) decideLater(outcome, guard, request, reply, done)
    else decide(outcome, guard, request, reply, done)
  }

  function authenticate(
    request: FastifyRequest,
    guard: RouteGuard,
    reply: FastifyReply,
  ): Outcome<AccessToken | null> | Promise<AccessToken | null> {
    const authorization = credentials.authorization(request)
    const known = authorization === undefined ? undefined : pipeline.recall(authorization)
    if (known !== undefined) return bind(known, 'Bearer', request, guard, reply)
    const bearer = credentials.bearer(request, authorization)
    if (bearer !== undefined) {
      return bind(pipeline.verify(bearer, request), 'Bearer', request, guard, reply)
    }
    const proven = guard.binding.dpop === 'off' ? undefined : credentials.dpop(authorization)
    if (proven !== undefined) {
      return bind(pipeline.verify(proven, request), 'DPoP', request, guard, reply)
    }
    if (guard.optional) return null
    return new MissingCredentialsError()
  }

  function bind(
    token: Outcome<AccessToken> | Promise<AccessToken>,
    scheme: Scheme,
    request: FastifyRequest,
    guard: RouteGuard,
    reply: FastifyReply,
  ): Outcome<AccessToken> | Promise<AccessToken> {
    return isLater(token)
      ? token.then((verified) => orThrow(prove(verified, scheme, request, guard, reply)))
      : prove(token, scheme, request, guard, reply)
  }

  function prove(
    token: Outcome<AccessToken>,
    scheme: Scheme,
    request: FastifyRequest,
    guard: RouteGuard,
    reply: FastifyReply,
  ): Outcome<AccessToken> | Promise<AccessToken> {
    // A refusal, then: `decide` lets nothing else in.
    if (!(token instanceof AccessToken)) return token
    if (binding.needsNoProof(token, scheme, guard.binding)) return permit(token, guard, request)
    const presentation = credentials.presentation(request, scheme)
    return andThen(binding.verify(token, presentation, guard.binding), (nonce) => {
      if (nonce !== undefined) reply.header('dpop-nonce', nonce)
      return permit(token, guard, request)
    })
  }

  function refuse(
    thrown: unknown,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
    done: DoneFunction,
  ): void {
    let reason: Error
    try {
      reason = refusal(thrown, guard, request, reply)
    } catch {
      // The application may throw what only looks like an error of ours. In a promise this would be
      // nobody's, and end the process.
      reason = new Error('the error that was thrown cannot be read')
    }
    done(reason)
  }

  function refusal(
    refused: unknown,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Error {
    const reason = credentials.reasonFor(refused, request)
    // Fastify takes a falsy error for none, and would let the request in.
    if (!(reason instanceof Error)) return new Error('what refused the request is no Error')
    if (guard !== undefined && reason instanceof ResourceServerError) {
      const headers = guard.challenges.headersFor(reason, () => credentials.schemeUsed(request))
      reply.headers(headers)
      // Not by assignment, which throws where the application made the error's own immutable.
      Reflect.set(reason, 'headers', headers)
      counters.reject(reason.code)
      if (diagnostics.rejected.hasSubscribers) {
        publish('rejected', { error: reason, context: request })
      }
      report(reason, request, options.onReject)
    }
    return reason
  }

  /** The only way in: for a token, or for nothing at all where none need be. */
  function decide(
    outcome: Outcome<AccessToken | null>,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
    done: DoneFunction,
  ): void {
    const isNobody = outcome === null && (guard === undefined || guard.optional)
    if (isNobody || outcome instanceof AccessToken) admit(outcome, request, done)
    else refuse(outcome, guard, request, reply, done)
  }

  function decideLater(
    deciding: Promise<AccessToken | null>,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
    done: DoneFunction,
  ): void {
    deciding.then(
      (outcome) => decide(outcome, guard, request, reply, done),
      (error) => refuse(error, guard, request, reply, done),
    )
  }
}

function permit(
  token: AccessToken,
  { policy }: RouteGuard,
  request: FastifyRequest,
): Outcome<AccessToken> | Promise<AccessToken> {
  // Who it is, is known now, also to "authorize" and to whoever handles its refusal.
  request.auth = token
  const refused = policy.check(token, request)
  if (isLater(refused)) return refused.then(() => token)
  return refused ?? token
}

function admit(token: AccessToken | null, request: FastifyRequest, done: DoneFunction): void {
  request.auth = token
  // Asked first, so that nothing is made where nobody listens.
  if (token !== null && diagnostics.accepted.hasSubscribers) {
    publish('accepted', { token, context: request })
  }
  done()
}

/** The reason goes to the operator. Nothing that the caller sent is in the log line. */
function report(
  error: ResourceServerError,
  request: FastifyRequest,
  onReject: PluginOptions['onReject'],
): void {
  const { code, check, expected } = error
  const failed = (err: unknown) => logSafely(request.log, 'error', { err }, '"onReject" failed')
  logSafely(request.log, 'info', { code, check, expected }, `request refused: ${error.message}`)
  try {
    if (onReject !== undefined) Promise.resolve(onReject(error, request)).catch(failed)
  } catch (err) {
    failed(err)
  }
}
