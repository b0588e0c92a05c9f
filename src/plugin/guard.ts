/**
 * The guard of every route: takes the token off a request, sends it down the pipeline, has its
 * binding proven, and asks the route's policy. Each request is judged once, before any handler runs.
 */
import type {
  HookHandlerDoneFunction as DoneFunction,
  FastifyReply,
  FastifyRequest,
  onSendHookHandler,
} from 'fastify'
import { AccessToken } from '../access-token/access-token.js'
import type { Scheme } from '../binding/presentation.js'
import { andThen, isPromise, type Result, type StepResult, unwrap } from '../errors/result.js'
import { diagnostics, publish } from '../observability/diagnostics.js'
import type { Core } from '../server/assembly.js'
import type { ResolvedPluginOptions } from './plugin-options.js'
import { Rejections } from './rejections.js'
import { RequestCredentials } from './request-credentials.js'
import type { RouteGuard, RouteGuards } from './route-guard.js'

export interface Guard {
  /** Ends the hook without an error for a request that may go on, and with one for any other. */
  readonly judge: (request: FastifyRequest, reply: FastifyReply, done: DoneFunction) => void
  /** Whether this guard let the request go on. It did not if another context passed it on. */
  readonly hasAdmitted: (request: FastifyRequest) => boolean
}

/** The guard that let a request go on. */
export const ADMITTED_BY = Symbol('fastify-resource-server.admitted-by')

type Judged = FastifyRequest & { [ADMITTED_BY]?: RouteGuards | null }

export function createGuard(
  core: Core,
  guards: RouteGuards,
  options: ResolvedPluginOptions,
): Guard {
  const { pipeline, binding } = core
  const credentials = new RequestCredentials(options, core)
  const rejections = new Rejections(core, credentials, options.onReject)

  return {
    // On the way of a known bearer token nothing is awaited, and neither a promise nor a closure made.
    judge(request, reply, done) {
      let guard: RouteGuard | undefined
      let outcome: StepResult<AccessToken | null>
      try {
        const { config, schema } = request.routeOptions
        guard = guards.of(config, schema)
        outcome = guard === undefined ? null : authenticate(request, guard, reply)
      } catch (error) {
        return rejections.reject(error, guard, request, reply, done)
      }
      if (isPromise(outcome)) decideLater(outcome, guard, request, reply, done)
      else decide(outcome, guard, request, reply, done)
    },
    hasAdmitted: (request: Judged) => request[ADMITTED_BY] === guards,
  }

  function authenticate(
    request: FastifyRequest,
    guard: RouteGuard,
    reply: FastifyReply,
  ): StepResult<AccessToken | null> {
    const authorization = credentials.authorization(request)
    const known = authorization === undefined ? undefined : pipeline.recall(authorization)
    if (known !== undefined) return bind(known, 'Bearer', request, guard, reply)
    const bearer = credentials.bearer(request, authorization, guard.schemes)
    if (bearer !== undefined) {
      return bind(pipeline.verify(bearer, request), 'Bearer', request, guard, reply)
    }
    const proven =
      guard.binding.dpop === 'off' ? undefined : credentials.dpop(authorization, guard.schemes)
    if (proven !== undefined) {
      return bind(pipeline.verify(proven, request), 'DPoP', request, guard, reply)
    }
    if (guard.optional) return null
    return credentials.missing(guard.schemes)
  }

  function bind(
    token: StepResult<AccessToken>,
    scheme: Scheme,
    request: FastifyRequest,
    guard: RouteGuard,
    reply: FastifyReply,
  ): StepResult<AccessToken> {
    return isPromise(token)
      ? token.then((verified) => unwrap(prove(verified, scheme, request, guard, reply)))
      : prove(token, scheme, request, guard, reply)
  }

  function prove(
    token: Result<AccessToken>,
    scheme: Scheme,
    request: FastifyRequest,
    guard: RouteGuard,
    reply: FastifyReply,
  ): StepResult<AccessToken> {
    // A rejection, then: `decide` lets nothing else in.
    if (!(token instanceof AccessToken)) return token
    if (binding.needsNoProof(token, scheme, guard.binding)) return permit(token, guard, request)
    const presentation = credentials.presentation(request, scheme)
    return andThen(binding.verify(token, presentation, guard.binding), (nonce) => {
      if (nonce !== undefined) reply.header('dpop-nonce', nonce)
      return permit(token, guard, request)
    })
  }

  /** The only way in: for a token, or for nothing at all where none need be. */
  function decide(
    outcome: Result<AccessToken | null>,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
    done: DoneFunction,
  ): void {
    const isNobody = outcome === null && (guard === undefined || guard.optional)
    if (isNobody || outcome instanceof AccessToken) admit(outcome, request, done)
    else rejections.reject(outcome, guard, request, reply, done)
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
      (error) => rejections.reject(error, guard, request, reply, done),
    )
  }

  function admit(token: AccessToken | null, request: Judged, done: DoneFunction): void {
    request.auth = token
    request[ADMITTED_BY] = guards
    // Asked first, so that nothing is made where nobody listens.
    if (token !== null && diagnostics['token:accept'].hasSubscribers) {
      publish('token:accept', { token, context: request })
    }
    done()
  }
}

function permit(
  token: AccessToken,
  { policy }: RouteGuard,
  request: FastifyRequest,
): StepResult<AccessToken> {
  // Who it is, is known now, also to "authorize" and to whoever handles its rejection.
  request.auth = token
  const refused = policy.check(token, request)
  if (isPromise(refused)) return refused.then(() => token)
  return refused ?? token
}

/** Keeps caches from storing a response with a nonce, and handing it out later (RFC 9449 §8.2). */
export const forbidNonceCaching: onSendHookHandler = (_request, reply, payload, done) => {
  if (reply.hasHeader('dpop-nonce')) reply.header('cache-control', 'no-store')
  done(null, payload)
}
