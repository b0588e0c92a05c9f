/**
 * The errors that reject a request, by the error codes of RFC 6750 §3.1, RFC 9449 and RFC 9470.
 *
 * Messages are fixed sentences: they contain nothing of the token, its claims or the request.
 * {@link RejectionReason} has the details for the operator; it is never enumerable, so that no
 * serializer leaks it.
 */
import { failureText } from './failure-text.js'
import { type Check, LazyReason, type RejectionReason } from './rejection-reason.js'

/** Response headers, with lower-case names; an array for a header that is sent several times. */
export type ResponseHeaders = Readonly<Record<string, string | string[]>>

/**
 * Base class of all errors that reject a request. `code` is stable, `message` is for people.
 *
 * `stack` has no frames: capturing them costs more than most rejections, and `check` tells which
 * step rejected the request.
 */
export abstract class ResourceServerError extends Error {
  /** Stable error code: the one that an RFC defines, if any does. */
  abstract readonly code: string
  /** HTTP status code of the response. */
  abstract readonly statusCode: number

  // Private, with getters on the prototype, so that no serializer leaks them.
  #reason: RejectionReason | LazyReason
  #headers: ResponseHeaders = NO_HEADERS
  #status: number | undefined
  #expose: boolean | undefined

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

  /** What the check requires, in words: `expected` of the {@link reason}. */
  get expected(): string | undefined {
    return this.#reason.expected
  }

  /**
   * Same as {@link statusCode}. `status`, `expose` and `headers` have the shape of the package
   * http-errors, which NestJS, Express and others render.
   */
  get status(): number {
    return this.#status ?? this.statusCode
  }

  set status(status: number) {
    this.#status = status
  }

  /** Whether `message` may be sent to the client, as http-errors defines it: if `status` < 500. */
  get expose(): boolean {
    return this.#expose ?? this.status < 500
  }

  set expose(expose: boolean) {
    this.#expose = expose
  }

  /**
   * Response headers of this error: `WWW-Authenticate`, `DPoP-Nonce`, `Retry-After`. Fastify's
   * default error handler sends them; a custom one must call `reply.headers(error.headers)`.
   */
  get headers(): ResponseHeaders {
    return this.#headers
  }

  set headers(headers: ResponseHeaders) {
    this.#headers = headers
  }
}

const NO_HEADERS = Object.freeze({})
/** Default for errors that application code constructs without a reason. */
const DEFAULT_REASON: RejectionReason = Object.freeze({ check: 'policy' })

/** Uses an assignment, which is much cheaper than `Reflect.set`. */
function limitStackTraces(frames: number): void {
  try {
    Error.stackTraceLimit = frames
  } catch {
    // `Error` is frozen: the stack then has frames.
  }
}

/**
 * 401 without an `error` parameter: the request has no credentials of an accepted scheme.
 * RFC 6750 §3.1.
 */
export class MissingCredentialsError extends ResourceServerError {
  readonly code = 'missing_credentials'
  readonly statusCode = 401
  override readonly name = 'MissingCredentialsError'

  /** @param expected accepted schemes, in words. Default `Bearer`. */
  constructor(expected = 'Bearer') {
    super('An access token is required', {
      check: 'credentials',
      expected,
      found: 'none',
    })
  }
}

/** 400: the request is malformed; no token was verified. RFC 6750 §3.1. */
export class InvalidRequestError extends ResourceServerError {
  readonly code = 'invalid_request'
  readonly statusCode = 400
  override readonly name = 'InvalidRequestError'

  constructor(message: string, reason: Omit<RejectionReason, 'check'> = {}) {
    super(message, { check: 'credentials', ...reason })
  }
}

/**
 * 401: the token is malformed, expired, revoked, meant for another audience, or from an untrusted
 * issuer. RFC 6750 §3.1.
 */
export class InvalidTokenError extends ResourceServerError {
  readonly code = 'invalid_token'
  readonly statusCode = 401
  override readonly name = 'InvalidTokenError'
}

/** 401: the DPoP proof is missing, invalid or replayed. RFC 9449 §7.1. */
export class InvalidDPoPProofError extends ResourceServerError {
  readonly code = 'invalid_dpop_proof'
  readonly statusCode = 401
  override readonly name = 'InvalidDPoPProofError'

  constructor(message: string, reason: Omit<RejectionReason, 'check'> = {}) {
    super(message, { check: 'proof', ...reason })
  }
}

/** 401: the client must retry with the nonce of the header `DPoP-Nonce`. RFC 9449 §9. */
export class UseDPoPNonceError extends ResourceServerError {
  readonly code = 'use_dpop_nonce'
  readonly statusCode = 401
  override readonly name = 'UseDPoPNonceError'

  constructor(found?: string) {
    super('A DPoP nonce is required: retry with the value of the DPoP-Nonce header', {
      check: 'nonce',
      expected: '"nonce" from the header DPoP-Nonce',
      found,
    })
  }
}

/** 403: the token is valid but lacks the privileges for this request. RFC 6750 §3.1. */
export class InsufficientScopeError extends ResourceServerError {
  readonly code = 'insufficient_scope'
  readonly statusCode = 403
  override readonly name = 'InsufficientScopeError'

  readonly #scope: string

  constructor(message: string, scope: string, reason: RejectionReason) {
    super(message, reason)
    this.#scope = scope
  }

  /** The scope that the request requires, space-delimited; empty if not a matter of scope. */
  get scope(): string {
    return this.#scope
  }
}

/** Authentication requirements of a request (RFC 9470 §3). */
export interface AuthenticationRequirements {
  /** Acceptable authentication context classes (`acr`), in order of preference. */
  readonly acrValues?: readonly string[] | undefined
  /** Maximum time since the user authenticated, in whole seconds. */
  readonly maxAge?: number | undefined
  /** The scope to request as well, space-delimited; empty if the token has it. */
  readonly scope?: string | undefined
}

/**
 * 401: the token is valid, but the user authenticated too long ago or not strongly enough. The
 * client must send the user to the authorization server again (step-up authentication).
 * RFC 9470 §3.
 */
export class InsufficientUserAuthenticationError extends ResourceServerError {
  readonly code = 'insufficient_user_authentication'
  readonly statusCode = 401
  override readonly name = 'InsufficientUserAuthenticationError'

  readonly #requirements: AuthenticationRequirements

  constructor(
    message: string,
    requirements: AuthenticationRequirements = {},
    reason: Omit<RejectionReason, 'check'> = {},
  ) {
    super(message, { check: 'authentication', ...reason })
    this.#requirements = { ...requirements }
  }

  /** The authentication requirements that the challenge names. */
  get requirements(): AuthenticationRequirements {
    return this.#requirements
  }
}

/** 503: the token cannot be verified now, because the issuer or a store is unavailable. */
export abstract class UnavailableError extends ResourceServerError {
  readonly code = 'temporarily_unavailable'
  readonly statusCode = 503

  readonly #retryAfter: number

  constructor(check: Check, expected: string, retryAfter: number, cause: unknown) {
    super(
      'Token verification is temporarily unavailable: retry later',
      { check, expected, found: failureText(cause) },
      { cause },
    )
    this.#retryAfter = retryAfter
  }

  /** Delay before the client should retry, in whole seconds, at least 1. RFC 9110 §10.2.3. */
  get retryAfter(): number {
    return this.#retryAfter
  }
}

/** 503: the key set of the issuer is unavailable: no cached keys, and fetching them failed. */
export class KeysUnavailableError extends UnavailableError {
  override readonly name = 'KeysUnavailableError'

  constructor(issuer: string, retryAfter: number, cause: unknown) {
    super('keys-unavailable', `the keys of ${issuer}`, retryAfter, cause)
  }
}

/**
 * 503: the token cannot be introspected: the issuer is unreachable, its response is invalid, or it
 * rejects the credentials of this API. RFC 7662 §2.3.
 */
export class IntrospectionUnavailableError extends UnavailableError {
  override readonly name = 'IntrospectionUnavailableError'

  constructor(issuer: string, retryAfter: number, cause: unknown) {
    super(
      'introspection-unavailable',
      `an introspection response from ${issuer}`,
      retryAfter,
      cause,
    )
  }
}

/** 503: a shared store is unavailable, and no request may be accepted without it. */
export class StoreUnavailableError extends UnavailableError {
  override readonly name = 'StoreUnavailableError'

  constructor(what: string, retryAfter: number, cause: unknown) {
    super('store-unavailable', what, retryAfter, cause)
  }
}
