/**
 * Guards the routes: reads the token from a request, verifies it, verifies the proof of possession
 * and evaluates the policy of the route. The guard runs before any handler.
 */
import type {
  HookHandlerDoneFunction as DoneFunction,
  FastifyReply,
  FastifyRequest,
  onSendHookHandler,
} from 'fastify'
import { AccessToken } from '../access-token/access-token.js'
import { endOfTurn } from '../base/end-of-turn.js'
import type { Scheme } from '../binding/presentation.js'
import { andThen, isPromise, type Result, type StepResult, unwrap } from '../errors/result.js'
import { diagnostics, publish } from '../observability/diagnostics.js'
import type { Core } from '../server/assembly.js'
import type { Rejections } from './rejections.js'
import type { RequestCredentials } from './request-credentials.js'
import type { RouteGuard, RouteGuards } from './route-guard.js'

export interface Guard {
  /** Calls `done` without an error to admit the request, and with an error to reject it. */
  readonly check: (request: FastifyRequest, reply: FastifyReply, done: DoneFunction) => void
  /**
   * Whether this guard admitted the request to the handler that runs next. False if the guard of
   * another context did, or if the request was admitted to a route that forwards it to a 404 handler
   * with a `config.auth` of its own.
   */
  readonly hasAdmitted: (request: FastifyRequest) => boolean
}

/** Key of a member of the request: the guard that admitted it, or `openRoute` of the guards. */
export const ADMITTED_BY = Symbol('fastify-resource-server.admitted-by')

type CheckedRequest = FastifyRequest & {
  [ADMITTED_BY]?: Pick<RouteGuard, 'owner'> | null
}

export function createGuard(
  core: Core,
  guards: RouteGuards,
  credentials: RequestCredentials,
  rejections: Rejections,
): Guard {
  const { pipeline, binding } = core

  return {
    // For a cached bearer token, the guard itself awaits nothing and allocates neither a promise
    // nor a closure. Only an asynchronous `authorize` of the route makes it wait.
    check(request, reply, done) {
      let guard: RouteGuard | undefined
      let authorization: string | undefined
      let result: StepResult<AccessToken | null> | undefined
      try {
        const { config, schema } = request.routeOptions
        guard = guards.guardFor(config, schema)
        if (guard === undefined) result = null
        else {
          authorization = credentials.authorization(request)
          result = recall(authorization, request, guard, reply)
        }
      } catch (error) {
        return rejections.reject(error, guard, request, reply, done)
      }
      if (result !== undefined) settle(result, guard, request, reply, done)
      else checkAtEndOfTurn(authorization, guard as RouteGuard, request, reply, done)
    },
    hasAdmitted(request: CheckedRequest) {
      const by = request[ADMITTED_BY]
      if (by?.owner !== guards) return false
      if (!request.is404) return true
      const { config, schema } = request.routeOptions
      return (
        !Object.hasOwn(config, 'auth') ||
        by === (guards.guardFor(config, schema) ?? guards.openRoute)
      )
    },
  }

  /** Returns `undefined` if the request has no cached bearer token. */
  function recall(
    authorization: string | undefined,
    request: FastifyRequest,
    guard: RouteGuard,
    reply: FastifyReply,
  ): StepResult<AccessToken> | undefined {
    const cached = authorization === undefined ? undefined : pipeline.recall(authorization)
    if (cached === undefined) return undefined
    return verifyBinding(cached, 'Bearer', request, guard, reply)
  }

  /**
   * Checks a request without a cached bearer token, together with others, so that requests with
   * cached tokens come first.
   */
  function checkAtEndOfTurn(
    authorization: string | undefined,
    guard: RouteGuard,
    request: FastifyRequest,
    reply: FastifyReply,
    done: DoneFunction,
  ): void {
    const turn = endOfTurn()
    if (turn === undefined) checkNow(authorization, guard, request, reply, done)
    else turn.then(() => checkNow(authorization, guard, request, reply, done))
  }

  function checkNow(
    authorization: string | undefined,
    guard: RouteGuard,
    request: FastifyRequest,
    reply: FastifyReply,
    done: DoneFunction,
  ): void {
    let result: StepResult<AccessToken | null>
    try {
      result = authenticate(authorization, request, guard, reply)
    } catch (error) {
      rejections.reject(error, guard, request, reply, done)
      return
    }
    settle(result, guard, request, reply, done)
  }

  function authenticate(
    authorization: string | undefined,
    request: FastifyRequest,
    guard: RouteGuard,
    reply: FastifyReply,
  ): StepResult<AccessToken | null> {
    const bearerToken = credentials.bearer(request, authorization, guard.schemes)
    if (bearerToken !== undefined) {
      return verifyBinding(pipeline.verify(bearerToken, request), 'Bearer', request, guard, reply)
    }
    const dpopToken =
      guard.binding.dpop === 'off' ? undefined : credentials.dpop(authorization, guard.schemes)
    if (dpopToken !== undefined) {
      return verifyBinding(pipeline.verify(dpopToken, request), 'DPoP', request, guard, reply)
    }
    if (guard.optional) return null
    return credentials.missing(guard.schemes)
  }

  function verifyBinding(
    token: StepResult<AccessToken>,
    scheme: Scheme,
    request: FastifyRequest,
    guard: RouteGuard,
    reply: FastifyReply,
  ): StepResult<AccessToken> {
    return isPromise(token)
      ? token.then((verified) => unwrap(checkPossession(verified, scheme, request, guard, reply)))
      : checkPossession(token, scheme, request, guard, reply)
  }

  function checkPossession(
    token: Result<AccessToken>,
    scheme: Scheme,
    request: FastifyRequest,
    guard: RouteGuard,
    reply: FastifyReply,
  ): StepResult<AccessToken> {
    // Returns any other value unchanged: it is a rejection, and must not be treated as a token.
    if (!(token instanceof AccessToken)) return token
    if (binding.needsNoProof(token, scheme, guard.binding)) return authorize(token, guard, request)
    const presentation = credentials.presentation(request, scheme)
    return andThen(binding.verify(token, presentation, guard.binding), (nonce) => {
      if (nonce !== undefined) reply.header('dpop-nonce', nonce)
      return authorize(token, guard, request)
    })
  }

  function settle(
    result: StepResult<AccessToken | null>,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
    done: DoneFunction,
  ): void {
    if (isPromise(result)) settleLater(result, guard, request, reply, done)
    else settleNow(result, guard, request, reply, done)
  }

  function settleLater(
    pending: Promise<AccessToken | null>,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
    done: DoneFunction,
  ): void {
    pending.then(
      (result) => settleNow(result, guard, request, reply, done),
      (error) => rejections.reject(error, guard, request, reply, done),
    )
  }

  /**
   * Admits the request if the result is an `AccessToken`, or `null` on an open or optional route;
   * otherwise rejects it. No other function admits a request.
   */
  function settleNow(
    result: Result<AccessToken | null>,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
    done: DoneFunction,
  ): void {
    const isAnonymous = result === null && (guard === undefined || guard.optional)
    if (isAnonymous || result instanceof AccessToken) admit(result, guard, request, done)
    else rejections.reject(result, guard, request, reply, done)
  }

  function admit(
    token: AccessToken | null,
    guard: RouteGuard | undefined,
    request: CheckedRequest,
    done: DoneFunction,
  ): void {
    request.auth = token
    request[ADMITTED_BY] = guard ?? guards.openRoute
    // Checks for subscribers first, so that no message is allocated without them.
    if (token !== null && diagnostics['token:accept'].hasSubscribers) {
      publish('token:accept', { token, context: request })
    }
    done()
  }
}

function authorize(
  token: AccessToken,
  { policy }: RouteGuard,
  request: FastifyRequest,
): StepResult<AccessToken> {
  // Sets `request.auth` before the policy runs, so that `authorize` and error handlers can read it.
  request.auth = token
  const rejection = policy.check(token, request)
  if (isPromise(rejection)) return rejection.then(() => token)
  return rejection ?? token
}

/**
 * Prevents caches from storing a response with a nonce, because a cached response would give an
 * outdated nonce to a client (RFC 9449 §8.2).
 */
export const forbidNonceCaching: onSendHookHandler = (_request, reply, payload, done) => {
  if (reply.hasHeader('dpop-nonce')) reply.header('cache-control', 'no-store')
  done(null, payload)
}
