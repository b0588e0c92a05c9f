import { type Check, LazyReason, type RejectionReason } from './rejection-reason.js'

/**
 * Response headers with lower-case names. An array holds the values of a header that is sent
 * several times.
 */
export type ResponseHeaders = Readonly<Record<string, string | string[]>>

/**
 * Base class of all errors that reject a request. Programs can rely on `code`; `message` is for
 * people.
 *
 * `stack` has no frames, because capturing them costs more than most rejections. The property
 * `check` names the step that rejected the request.
 */
export abstract class ResourceServerError extends Error {
  /** Stable error code. It is the code of an RFC, if one defines a code for this error. */
  abstract readonly code: string
  /** HTTP status code of the response. */
  abstract readonly statusCode: number

  // These fields are private, with getters on the prototype, so that serializers omit them.
  #reason: RejectionReason | LazyReason
  #headers: ResponseHeaders = NO_HEADERS
  #status: number | undefined
  #expose: boolean | undefined
  #headersSetBy: object | undefined

  constructor(
    message: string,
    reason: RejectionReason | LazyReason = DEFAULT_REASON,
    options?: ErrorOptions,
  ) {
    const { stackTraceLimit } = Error
    limitStackTraces(0)
    super(message, options)
    limitStackTraces(stackTraceLimit)
    this.#reason = reason
  }

  /** The check that rejected the request: `check` of the {@link reason}. */
  get check(): Check {
    return this.#reason.check
  }

  /** Why the request was rejected, for the operator. Never send it to the client. */
  get reason(): RejectionReason {
    if (this.#reason instanceof LazyReason) this.#reason = this.#reason.described()
    return this.#reason
  }

  /**
   * Describes what the check requires: `expected` of the {@link reason}; `undefined` if the reason
   * has no such member.
   */
  get expected(): string | undefined {
    return this.#reason.expected
  }

  /**
   * Equals {@link statusCode} unless another value is assigned. The package http-errors defines
   * `status`, `expose` and `headers`; NestJS, Express and others build the response from them.
   */
  get status(): number {
    return this.#status ?? this.statusCode
  }

  set status(status: number) {
    this.#status = status
  }

  /**
   * Whether `message` may be sent to the client. Default: whether `status` < 500, as in
   * http-errors.
   */
  get expose(): boolean {
    return this.#expose ?? this.status < 500
  }

  set expose(expose: boolean) {
    this.#expose = expose
  }

  /**
   * Response headers: `WWW-Authenticate`, `DPoP-Nonce` with `Cache-Control`, or `Retry-After`.
   * Empty until this package rejects a request or a call with this error. Fastify's default error
   * handler sends the headers; a custom error handler must call `reply.headers(error.headers)`.
   */
  get headers(): ResponseHeaders {
    return this.#headers
  }

  set headers(headers: ResponseHeaders) {
    this.#headers = headers
  }

  /**
   * Records which object has set the {@link headers}. A private field, because adding each error to
   * a `WeakSet` costs 1 µs.
   *
   * @internal
   */
  static recordHeadersSetBy(setter: object, error: ResourceServerError): void {
    if (#headersSetBy in error) error.#headersSetBy = setter
  }

  /** @internal */
  static hasHeadersSetBy(setter: object, error: ResourceServerError): boolean {
    return #headersSetBy in error && error.#headersSetBy === setter
  }
}

const NO_HEADERS = Object.freeze({})

/** Reason of errors that the application constructs without one. */
const DEFAULT_REASON: RejectionReason = Object.freeze({ check: 'policy' })

/**
 * Sets how many stack frames new errors capture. The assignment throws if `Error` is frozen, but is
 * much cheaper than `Reflect.set`.
 */
function limitStackTraces(frames: number): void {
  try {
    Error.stackTraceLimit = frames
  } catch {
    // Ignored: if the application froze `Error`, new errors capture stack frames, which costs only
    // time.
  }
}
