/**
 * Handles every request that the guard rejects: passes the error to Fastify, sets its headers, logs
 * it, and closes the connection of an upgrade.
 */
import type { Socket } from 'node:net'
import type {
  HookHandlerDoneFunction as DoneFunction,
  FastifyReply,
  FastifyRequest,
  onSendHookHandler,
} from 'fastify'
import { errorOfThisRealm, isError } from '../base/native-error.js'
import { ResourceServerError } from '../errors/resource-server-error.js'
import { diagnostics, publish } from '../observability/diagnostics.js'
import { logSafely } from '../observability/safe-logger.js'
import type { Core } from '../server/assembly.js'
import type { PluginOptions } from './plugin-options.js'
import type { RejectionLog } from './rejection-log.js'
import type { RequestCredentials } from './request-credentials.js'
import type { RouteGuard } from './route-guard.js'

/** Key of a member of the request: the error with which the guard rejected it. */
export const REJECTED_WITH = Symbol('fastify-resource-server.rejected-with')

type Rejected = FastifyRequest & { [REJECTED_WITH]?: ResourceServerError | null }

export class Rejections {
  readonly #counters: Core['counters']
  readonly #credentials: RequestCredentials
  readonly #log: RejectionLog
  readonly #onReject: PluginOptions['onReject']

  constructor(
    { counters }: Pick<Core, 'counters'>,
    credentials: RequestCredentials,
    log: RejectionLog,
    onReject: PluginOptions['onReject'],
  ) {
    this.#counters = counters
    this.#credentials = credentials
    this.#log = log
    this.#onReject = onReject
  }

  /** Rejects the request: calls `done` with an error, whatever value was thrown. */
  reject(
    thrown: unknown,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
    done: DoneFunction,
  ): void {
    let error: Error
    try {
      error = this.#errorFor(thrown, guard, request, reply)
    } catch {
      // Application code may throw an object that imitates our errors and throws when it is read.
      // Without this `catch`, that exception could become an unhandled rejection, which would end
      // the process.
      error = new Error('An unreadable error was thrown during authentication')
    }
    endRejectedUpgrade(request, reply)
    done(error)
  }

  #errorFor(
    thrown: unknown,
    guard: RouteGuard | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Error {
    const candidate =
      guard === undefined ? thrown : this.#credentials.errorFor(thrown, request, guard.schemes)
    // Fastify would admit the request if it got a falsy value as the error.
    if (!isError(candidate)) return new Error('A non-Error value was thrown during authentication')
    const error = errorOfThisRealm(candidate)
    if (guard !== undefined && error instanceof ResourceServerError) {
      this.#challenge(error, guard, request, reply)
      Reflect.set(request, REJECTED_WITH, error)
      this.#report(error, request)
    }
    return error
  }

  /**
   * Sets the response headers of an error that application code threw, and reports the error. An
   * error of `verify()` or `request.requireScope()` already has headers, and was counted. An error
   * that the application constructed gets new headers for each request, because the application may
   * throw one error for several requests.
   *
   * @param guard the guard of the route; for an open route, the guard that accepts any valid token.
   */
  challengeThrown(
    error: ResourceServerError,
    guard: RouteGuard,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    // The guard rejected the request with this error, and has set its headers.
    if ((request as Rejected)[REJECTED_WITH] === error) return
    // Headers that this object has set were for another request.
    const isComplete =
      Object.keys(error.headers).length > 0 && !ResourceServerError.hasHeadersSetBy(this, error)
    if (!isComplete) this.#challenge(error, guard, request, reply)
    else reply.headers(error.headers)
    this.#report(error, request)
  }

  /** Sets the response headers of an error, counts the rejection and publishes it. */
  #challenge(
    error: ResourceServerError,
    guard: RouteGuard,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    const headers = guard.challenges.headersFor(error, request, () =>
      this.#credentials.schemeUsed(request),
    )
    ResourceServerError.recordHeadersSetBy(this, error)
    reply.headers(headers)
    // Unlike an assignment, `Reflect.set` does not throw if `headers` is read-only in the error,
    // for example because a subclass of the application defines only a getter.
    Reflect.set(error, 'headers', headers)
    this.#counters.reject(error.code)
    if (diagnostics['token:reject'].hasSubscribers) {
      publish('token:reject', { error, context: request })
    }
  }

  /** Reports a rejection to the operator. */
  #report(error: ResourceServerError, request: FastifyRequest): void {
    const failed = (err: unknown) => logSafely(request.log, 'error', { err }, '"onReject" failed')
    this.#log.write(error, request, 'request rejected:')
    try {
      const onReject = this.#onReject
      if (onReject !== undefined) Promise.resolve(onReject(error, request)).catch(failed)
    } catch (err) {
      failed(err)
    }
  }
}

/**
 * Closes the connection of a rejected upgrade once the response is written. Node does not close a
 * socket after "upgrade", and a WebSocket plugin closes only the sockets of requests that
 * reached its own hooks.
 */
export function endRejectedUpgrade({ raw }: FastifyRequest, reply: FastifyReply): void {
  // Node sets `upgrade` to true if the server emits "upgrade"; an Upgrade header is not enough.
  const { upgrade, socket } = raw as { upgrade?: unknown; socket?: Socket }
  if (upgrade !== true || socket === undefined || !Object.hasOwn(raw, 'upgrade')) return
  reply.header('connection', 'close')
  reply.raw.once('finish', () => socket.destroySoon())
}

/** Reason phrases (RFC 9110 §15), as in Fastify's error bodies. */
const REASON_PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  503: 'Service Unavailable',
}

/**
 * Fastify's response body contains this code if the response schema cannot serialize an error.
 */
const NOT_SERIALIZED = '"code":"FST_ERR_FAILED_ERROR_SERIALIZATION"'

/**
 * Restores a rejection that Fastify turned into a 500 because the response schema cannot serialize
 * the error.
 */
export const sendUnserializedRejection: onSendHookHandler = (request, reply, payload, done) => {
  const error = (request as Rejected)[REJECTED_WITH]
  const isLost =
    error != null &&
    reply.statusCode === 500 &&
    typeof payload === 'string' &&
    payload.includes(NOT_SERIALIZED)
  if (!isLost) return done(null, payload)
  const { statusCode, code, message } = error
  const body = JSON.stringify({ statusCode, code, error: REASON_PHRASES[statusCode], message })
  reply.code(statusCode).headers({
    ...error.headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': `${Buffer.byteLength(body)}`,
  })
  done(null, body)
}
