/**
 * The response of the token endpoint (RFC 6749 §5.1), with the parameter names of the protocol.
 *
 * The access token is returned unverified, because the resource server verifies it.
 */
export interface TokenResponse {
  /** The access token. */
  readonly access_token: string
  /**
   * The token type (RFC 6749 §7.1), in lower case: `dpop` with the option `dpop`, otherwise
   * `bearer`.
   */
  readonly token_type: 'bearer' | 'dpop' | Lowercase<string>
  /**
   * Lifetime of the access token, in seconds after the response. Absent if the server does not send
   * it.
   */
  readonly expires_in?: number
  /**
   * The granted scope, space-delimited. The server may omit it if the granted scope equals the
   * requested one.
   */
  readonly scope?: string
  /**
   * The ID token. Absent if the server did not issue one, for example because the scope lacks
   * `openid`.
   *
   * With the option `issuer`, `passwordGrant` checks the `iss`, `aud`, `exp` and `iat` of the ID
   * token, but not its signature, because the ID token comes directly from the server (OpenID
   * Connect Core §3.1.3.7). With the option `tokenEndpoint`, `passwordGrant` checks nothing in the
   * ID token, because the issuer is unknown.
   */
  readonly id_token?: string
  /**
   * The refresh token. Absent if the server did not issue one; many servers require the scope
   * `offline_access`.
   */
  readonly refresh_token?: string
  /** Any other parameter of the response. */
  readonly [parameter: string]: unknown
}
