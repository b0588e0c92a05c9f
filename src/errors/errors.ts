/**
 * Everything that can go wrong with a request, named by the codes of RFC 6750 §3.1.
 *
 * A message is one of the fixed sentences below: nothing of the token, of its claims or of the
 * request is ever part of it. What exactly was expected and found is in {@link RejectionReason}, which is
 * for the operator and never enumerable, so that no serializer shows it by accident.
 */
import { failureText } from './failure-text.js'
import { type Check, LazyReason, type RejectionReason } from './rejection-reason.js'

/** Names in lower case; several values for a header that is sent several times. */
export type ResponseHeaders = Readonly<Record<string, string | string[]>>

/**
 * What every error of this package has in common. `code` is stable, `message` is for people.
 *
 * `stack` names no frames: where in this package a request was refused helps nobody, and to find out
 * would cost more than most refusals do.
 */
export abstract class ResourceServerError extends Error {
  /** Stable, for programs: the error code of the RFC where it has one. */
  abstract readonly code: string
  /** The status of the response. */
  abstract readonly statusCode: number

  // Private and read through the prototype, so that no serializer shows them by accident.
  #reason: RejectionReason | LazyReason
  #headers: ResponseHeaders = NO_HEADERS
  #status: number | undefined
  #expose: boolean | undefined

  constructor(
    message: string,
    reason: RejectionReason | LazyReason = OF_POLICY,
    options?: ErrorOptions,
  ) {
    const { stackTraceLimit } = Error
    limitStackTraces(0)
    super(message, options)
    limitStackTraces(stackTraceLimit)
    this.#reason = reason
  }

  /** The step that refused. */
  get check(): Check {
    return this.#reason.check
  }

  /** Expected and found, for the operator. See {@link RejectionReason}. */
  get reason(): RejectionReason {
    if (this.#reason instanceof LazyReason) this.#reason = this.#reason.described()
    return this.#reason
  }

  /** What would have passed, in words: `expected` of the {@link reason}. */
  get expected(): string | undefined {
    return this.#reason.expected
  }

  /**
   * The same as {@link statusCode}. Together with `expose` and `headers` this is the shape of the
   * package http-errors, which NestJS, Express and others render.
   */
  get status(): number {
    return this.#status ?? this.statusCode
  }

  set status(status: number) {
    this.#status = status
  }

  /** Whether `message` is meant for the client, as http-errors defines it: below 500. */
  get expose(): boolean {
    return this.#expose ?? this.status < 500
  }

  set expose(expose: boolean) {
    this.#expose = expose
  }

  /**
   * The response headers that belong to this error (`WWW-Authenticate`, `DPoP-Nonce` or `Retry-After`). Fastify's
   * own error handler sends them; one of yours does with `reply.headers(error.headers)`.
   */
  get headers(): ResponseHeaders {
    return this.#headers
  }

  set headers(headers: ResponseHeaders) {
    this.#headers = headers
  }
}

const NO_HEADERS = Object.freeze({})
/** Who makes one without, in JavaScript, is the application. */
const OF_POLICY: RejectionReason = Object.freeze({ check: 'policy' })

/** By assignment, which costs a small part of what `Reflect.set` does. */
function limitStackTraces(frames: number): void {
  try {
    Error.stackTraceLimit = frames
  } catch {
    // It is frozen: then there is a stack after all.
  }
}

/** 401 without an `error`: the request carries no credentials of a scheme that is ours. */
export class MissingCredentialsError extends ResourceServerError {
  readonly code = 'missing_credentials'
  readonly statusCode = 401
  override readonly name = 'MissingCredentialsError'

  /** @param expected where the token was looked for: the schemes that are accepted. Default `Bearer`. */
  constructor(expected = 'Bearer') {
    super('An access token is required', {
      check: 'credentials',
      expected,
      found: 'none',
    })
  }
}

/** 400: the request itself is malformed, before any token is looked at. RFC 6750 §3.1. */
export class InvalidRequestError extends ResourceServerError {
  readonly code = 'invalid_request'
  readonly statusCode = 400
  override readonly name = 'InvalidRequestError'

  constructor(message: string, reason: Omit<RejectionReason, 'check'> = {}) {
    super(message, { check: 'credentials', ...reason })
  }
}

/** 401: the token is malformed, expired, not for us, or not to be trusted. RFC 6750 §3.1. */
export class InvalidTokenError extends ResourceServerError {
  readonly code = 'invalid_token'
  readonly statusCode = 401
  override readonly name = 'InvalidTokenError'
}

/** 401: the DPoP proof doesn't prove what it must, or was used before. RFC 9449 §7.1. */
export class InvalidDPoPProofError extends ResourceServerError {
  readonly code = 'invalid_dpop_proof'
  readonly statusCode = 401
  override readonly name = 'InvalidDPoPProofError'

  constructor(message: string, reason: Omit<RejectionReason, 'check'> = {}) {
    super(message, { check: 'proof', ...reason })
  }
}

/** 401: the client must make another DPoP proof, with the nonce in `DPoP-Nonce`. RFC 9449 §9. */
export class UseDPoPNonceError extends ResourceServerError {
  readonly code = 'use_dpop_nonce'
  readonly statusCode = 401
  override readonly name = 'UseDPoPNonceError'

  constructor(found?: string) {
    super('The DPoP proof must have the nonce that is sent along', {
      check: 'nonce',
      expected: '"nonce" from the header DPoP-Nonce',
      found,
    })
  }
}

/** 403: the token is good, but not for this. `scope` is what would do. RFC 6750 §3.1. */
export class InsufficientScopeError extends ResourceServerError {
  readonly code = 'insufficient_scope'
  readonly statusCode = 403
  override readonly name = 'InsufficientScopeError'

  readonly #scope: string

  constructor(message: string, scope: string, reason: RejectionReason) {
    super(message, reason)
    this.#scope = scope
  }

  /** The scope that the resource asks for, space-delimited; empty where a scope isn't the matter. */
  get scope(): string {
    return this.#scope
  }
}

/** What a user must do to be let in (RFC 9470 §3). */
export interface AuthenticationRequirements {
  /** Authentication contexts of which one is enough, the preferred one first. */
  readonly acrValues?: readonly string[] | undefined
  /** Seconds since the user authenticated. */
  readonly maxAge?: number | undefined
  /** The scope to ask for at the same time, space-delimited; empty where the token has it. */
  readonly scope?: string | undefined
}

/**
 * 401: the token is good, but its user authenticated too long ago, or not strongly enough. The
 * client gets a better token by sending the user to the authorization server again. RFC 9470 §3.
 */
export class InsufficientUserAuthenticationError extends ResourceServerError {
  readonly code = 'insufficient_user_authentication'
  readonly statusCode = 401
  override readonly name = 'InsufficientUserAuthenticationError'

  readonly #demand: AuthenticationRequirements

  constructor(
    message: string,
    requirements: AuthenticationRequirements = {},
    reason: Omit<RejectionReason, 'check'> = {},
  ) {
    super(message, { check: 'authentication', ...reason })
    this.#demand = { ...requirements }
  }

  /** The sign-in that would do: what the challenge names. */
  get demand(): AuthenticationRequirements {
    return this.#demand
  }
}

/** 503: the token cannot be verified now, because the issuer or a store cannot be asked. */
export abstract class UnavailableError extends ResourceServerError {
  readonly code = 'temporarily_unavailable'
  readonly statusCode = 503

  readonly #retryAfter: number

  constructor(check: Check, expected: string, retryAfter: number, cause: unknown) {
    super(
      'The access token cannot be verified at the moment, try again later',
      { check, expected, found: failureText(cause) },
      { cause },
    )
    this.#retryAfter = retryAfter
  }

  /** Whole seconds after which another try makes sense, at least 1. */
  get retryAfter(): number {
    return this.#retryAfter
  }
}

/** 503: the issuer's keys can't be had. */
export class KeysUnavailableError extends UnavailableError {
  override readonly name = 'KeysUnavailableError'

  constructor(issuer: string, retryAfter: number, cause: unknown) {
    super('keys-unavailable', `the keys of ${issuer}`, retryAfter, cause)
  }
}

/** 503: the issuer gives no verdict on a token, or refuses our own credentials. RFC 7662 §2.3. */
export class IntrospectionUnavailableError extends UnavailableError {
  override readonly name = 'IntrospectionUnavailableError'

  constructor(issuer: string, retryAfter: number, cause: unknown) {
    super('introspection-unavailable', `a verdict of ${issuer}`, retryAfter, cause)
  }
}

/** 503: what instances share can't be had, and without it nobody may be let in. */
export class StoreUnavailableError extends UnavailableError {
  override readonly name = 'StoreUnavailableError'

  constructor(what: string, retryAfter: number, cause: unknown) {
    super('store-unavailable', what, retryAfter, cause)
  }
}
