/**
 * Defines the errors that reject a request, with the error codes of RFC 6750 §3.1, RFC 9449 and
 * RFC 9470.
 *
 * The messages that this package writes are fixed sentences, which contain nothing from the token,
 * its claims or the request. The {@link RejectionReason} of an error contains the details for the
 * operator. The reason is never enumerable, so that serializers do not send it to the client.
 */
import { failureText } from './failure-text.js'
import type { Check, RejectionReason } from './rejection-reason.js'
import { ResourceServerError } from './resource-server-error.js'

/**
 * 401 without an `error` parameter: the request has no credentials of an accepted scheme.
 * RFC 6750 §3.1.
 */
export class MissingCredentialsError extends ResourceServerError {
  readonly code = 'missing_credentials'
  readonly statusCode = 401
  override readonly name = 'MissingCredentialsError'

  /** @param expected names the accepted schemes, for the operator. Default `Bearer`. */
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
 * 401: this API does not accept the token, for example because it is malformed, expired, revoked,
 * for another audience, or from an untrusted issuer. RFC 6750 §3.1.
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

/** 401: the client must retry with the nonce from the response header `DPoP-Nonce`. RFC 9449 §9. */
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

  /**
   * The scope that the request requires, space-delimited; empty if the rejection is not about
   * scope.
   */
  get scope(): string {
    return this.#scope
  }
}

/** Requirements of a request on the authentication of the user (RFC 9470 §3). */
export interface AuthenticationRequirements {
  /** Acceptable authentication context classes (`acr`), in order of preference. */
  readonly acrValues?: readonly string[] | undefined
  /**
   * Maximum time since the user authenticated, in whole seconds, at least 0; `undefined` for any
   * time.
   */
  readonly maxAge?: number | undefined
  /**
   * The required scope, space-delimited, if the token lacks it: the client requests it in the same
   * sign-in. Empty or `undefined` if the token has the scope.
   */
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

  /** The requirements that the challenge contains, as far as they are valid. */
  get requirements(): AuthenticationRequirements {
    return this.#requirements
  }
}

/** 503: the token cannot be verified or exchanged now, because the issuer or a store is unavailable. */
export abstract class UnavailableError extends ResourceServerError {
  readonly code = 'temporarily_unavailable'
  readonly statusCode = 503

  readonly #retryAfter: number

  constructor(
    check: Check,
    expected: string,
    retryAfter: number,
    cause: unknown,
    message = 'Token verification is temporarily unavailable: retry later',
  ) {
    super(message, { check, expected, found: failureText(cause) }, { cause })
    this.#retryAfter = retryAfter
  }

  /** Delay before the client should retry, in whole seconds, at least 1. RFC 9110 §10.2.3. */
  get retryAfter(): number {
    return this.#retryAfter
  }
}

/**
 * 503: this instance has no usable keys of the issuer, and fetching them failed. `refreshKeys()`
 * also throws this error if the fetch fails while cached keys are usable. A logout token or security
 * event token gets this error, with the check `key` or `signature`, if no cached key verifies it and
 * the keys were fetched before it arrived.
 */
export class KeysUnavailableError extends UnavailableError {
  override readonly name = 'KeysUnavailableError'

  constructor(
    issuer: string,
    retryAfter: number,
    cause: unknown,
    check: Check = 'keys-unavailable',
  ) {
    super(check, `the keys of ${issuer}`, retryAfter, cause)
  }
}

/** 503: too many tokens are being decrypted. */
export class DecryptionUnavailableError extends UnavailableError {
  override readonly name = 'DecryptionUnavailableError'

  constructor() {
    super('decryption-unavailable', 'a decryption that is not queued', 1, undefined)
  }
}

/**
 * 503: the token cannot be introspected, for example because the issuer is unreachable, sends an
 * invalid response, or rejects the credentials of this API. RFC 7662 §2.3.
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

/**
 * 503: a shared store is unavailable, and the request must not be accepted without it. The promise
 * of `revoke()` also rejects with this error.
 */
export class StoreUnavailableError extends UnavailableError {
  override readonly name = 'StoreUnavailableError'

  constructor(what: string, retryAfter: number, cause: unknown, message?: string) {
    super('store-unavailable', what, retryAfter, cause, message)
  }
}
