/**
 * The response of the token endpoint (RFC 6749 §5.1), with its wire names.
 *
 * The tokens are returned as received: verifying the access token is the resource server's task.
 */
export interface TokenResponse {
  /** The access token. */
  readonly access_token: string
  /**
   * How the access token is presented, always in lower case: `dpop` if the option `dpop` was given,
   * else `bearer`.
   */
  readonly token_type: 'bearer' | 'dpop' | Lowercase<string>
  /**
   * Lifetime of the access token, in seconds from the response. Absent if the server does not send
   * it.
   */
  readonly expires_in?: number
  /** The granted scope, space-delimited. Absent if it equals the requested one. */
  readonly scope?: string
  /**
   * The ID token, present if `openid` was granted. With `issuer`, its `iss`, `aud`, `exp` and `iat`
   * are checked (not its signature: it comes over TLS directly from the server, OpenID Connect Core
   * §3.1.3.7); with `tokenEndpoint` nothing is checked, because the issuer is unknown.
   */
  readonly id_token?: string
  /** The refresh token, present if `offline_access` was granted. */
  readonly refresh_token?: string
  /** Any other parameter of the response. */
  readonly [parameter: string]: unknown
}
