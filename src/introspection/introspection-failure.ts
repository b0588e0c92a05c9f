/**
 * Describes a failed introspection request to the operator. The message contains URLs,
 * statuses and error codes, but never the original error of the platform or of the application's
 * `fetch`: that error may hold the request, which contains the token and our client secret.
 */

import { DiscoveryError } from '../http/discovery.js'
import { UnexpectedResponseError } from '../http/fetch-json.js'
import { noResponseFrom } from '../http/no-response.js'

export interface IntrospectionFailureDetails {
  /**
   * The cause to which the failure is attributed.
   *
   * - `issuer`: every token is affected; requests pause.
   * - `token`: only this token is affected. Requests do not pause: otherwise an attacker could lock
   *   out every caller with one token for which the issuer fails.
   * - `either`: the issuer or the token; a health probe finds out which.
   * - `ours`: too many tokens are queued, or the resource server was closed.
   */
  readonly attributedTo: 'issuer' | 'token' | 'either' | 'ours'
  /** `error` if only a change of the configuration fixes the failure. Default `warn`. */
  readonly level?: 'warn' | 'error'
  /** The `Retry-After` of the response, in milliseconds; `undefined` if it has none. */
  readonly retryAfterMs?: number | undefined
  /** The HTTP status of a response other than 200; `undefined` for any other failure. */
  readonly status?: number | undefined
  /** Whether the connection failed before the token was sent, so that no token is the cause. */
  readonly beforeToken?: boolean
  /**
   * Replaces the message if a health probe attributes the failure to one token, which changes the
   * level to `warn`. Default: the message.
   */
  readonly aboutToken?: string | undefined
  /** Appended to the message if the token is trusted, which changes the level to `error`. */
  readonly aboutTrusted?: string | undefined
}

/** Statuses that some issuers send, instead of 200, for an unknown or revoked token. */
const ABOUT_UNKNOWN_TOKENS: ReadonlySet<number | undefined> = new Set([400, 401, 403, 404, 429])

export class IntrospectionFailure extends Error {
  override readonly name = 'IntrospectionFailure'
  readonly attributedTo: IntrospectionFailureDetails['attributedTo']
  readonly level: 'warn' | 'error'
  readonly retryAfterMs: number | undefined
  readonly status: number | undefined
  readonly beforeToken: boolean
  readonly #aboutToken: string
  readonly #aboutTrusted: string | undefined

  constructor(message: string, details: IntrospectionFailureDetails) {
    super(message)
    const { attributedTo, level = 'warn', retryAfterMs, status, aboutToken = message } = details
    const { beforeToken = false } = details
    this.attributedTo = attributedTo
    this.level = level
    this.retryAfterMs = retryAfterMs
    this.status = status
    this.beforeToken = beforeToken
    this.#aboutToken = aboutToken
    this.#aboutTrusted = details.aboutTrusted
  }

  get isThrottling(): boolean {
    return this.status === 429
  }

  /** Whether some issuers send this status for every token that they do not know. */
  get mayBeUnknownToken(): boolean {
    return ABOUT_UNKNOWN_TOKENS.has(this.status)
  }

  /** Returns this failure with `aboutTrusted`, if it is set, appended to the message. */
  forTrustedToken(): IntrospectionFailure {
    if (this.#aboutTrusted === undefined) return this
    const message = `${this.message}: ${this.#aboutTrusted}`
    return new IntrospectionFailure(message, { ...this, level: 'error' })
  }

  /** Returns a copy of this failure that is attributed to the issuer. */
  attributedToIssuer(): IntrospectionFailure {
    return new IntrospectionFailure(this.message, { ...this, attributedTo: 'issuer' })
  }

  /** Returns a copy that is attributed to the token. @param because the reason, for the message. */
  attributedToToken(because: string): IntrospectionFailure {
    const { retryAfterMs, status } = this
    const message = `${this.#aboutToken} (this token only: ${because})`
    return new IntrospectionFailure(message, {
      attributedTo: 'token',
      retryAfterMs,
      status,
    })
  }
}

/**
 * Converts an error of the discovery or the introspection request to a failure.
 *
 * @param url the URL that sent no response, without its query, for the message.
 */
export function failureFrom(error: unknown, url: string): IntrospectionFailure {
  if (error instanceof IntrospectionFailure) return error
  if (error instanceof UnexpectedResponseError) {
    return new IntrospectionFailure(error.message, {
      attributedTo: 'token',
      retryAfterMs: error.retryAfter,
    })
  }
  if (error instanceof DiscoveryError) {
    return new IntrospectionFailure(error.message, {
      attributedTo: 'issuer',
      retryAfterMs: error.retryAfter,
    })
  }
  const { reason, isUnreachable } = noResponseFrom(error)
  return new IntrospectionFailure(`introspection request to ${url} failed: ${reason}`, {
    attributedTo: 'either',
    beforeToken: isUnreachable,
  })
}
