/** Defines the errors of an exchange. No member of them contains a token or a secret. */
import { ownMembers } from '../base/plain-object.js'
import { UnavailableError } from '../errors/errors.js'

/** What the authorization server said about a rejected exchange. */
export interface TokenExchangeErrorDetails {
  readonly error: string
  readonly description?: string | undefined
  readonly suberror?: string | undefined
  readonly claims?: string | undefined
}

/** Codes that concern the user or the token. All others concern the configuration of this API. */
const ABOUT_THE_USER: ReadonlySet<string> = new Set([
  'access_denied',
  'consent_required',
  'insufficient_user_authentication',
  'interaction_required',
  'invalid_grant',
  'invalid_subject_token',
  'invalid_token',
  'login_required',
])

/**
 * The authorization server rejected the exchange (RFC 6749 §5.2, RFC 8693 §2.2.2), or the subject
 * token must not be sent to it. A repetition with the same token has the same result.
 */
export class TokenExchangeError extends Error {
  override readonly name = 'TokenExchangeError'
  /** Stable code of this class. */
  readonly code = 'token_exchange_rejected'
  /**
   * 403 if the error concerns the user or the token; 500 if it concerns the configuration of this
   * API, such as `invalid_target`, `invalid_scope` or `unauthorized_client`.
   */
  readonly statusCode: 403 | 500
  /**
   * The error code of the authorization server, such as `invalid_grant` or `interaction_required`;
   * `unknown_error` if it is malformed. `invalid_subject_token` if no request was sent.
   */
  readonly error: string
  /** The member `suberror` of Entra ID; `undefined` if absent. */
  readonly suberror: string | undefined
  /**
   * The claims challenge of Entra ID, a JSON object that the client must send to the authorization
   * endpoint as the parameter `claims`; `undefined` if absent.
   */
  readonly claims: string | undefined
  // Private, with a getter on the prototype, so that serializers do not send it to callers.
  readonly #description: string | undefined

  /** @internal */
  constructor(message: string, details: TokenExchangeErrorDetails) {
    super(message)
    const { error, description, suberror, claims } = ownMembers(details)
    this.statusCode = ABOUT_THE_USER.has(error) ? 403 : 500
    this.error = error
    this.suberror = suberror
    this.claims = claims
    this.#description = description
  }

  /**
   * `error_description` of the authorization server, for the operator: one line, truncated, without
   * the tokens and the secret of the request. `undefined` if absent.
   */
  get description(): string | undefined {
    return this.#description
  }
}

/**
 * 503: the token cannot be exchanged now, because the authorization server is unreachable,
 * overloaded or misconfigured, or too many exchanges are queued. `cause` says why.
 */
export class TokenExchangeUnavailableError extends UnavailableError {
  override readonly name = 'TokenExchangeUnavailableError'

  /** @internal */
  constructor(server: string, retryAfter: number, cause: unknown) {
    super(
      'exchange-unavailable',
      `a token response from ${server}`,
      retryAfter,
      cause,
      'Token exchange is temporarily unavailable: retry later',
    )
  }
}
