/**
 * What the token endpoint answered (RFC 6749 §5.1), with its wire names.
 *
 * The tokens are handed over as they came: the access token is not verified here, that is the
 * resource server's work.
 */
export interface TokenResponse {
  /** The access token. */
  readonly access_token: string
  /**
   * How the access token is presented, in lower case whatever the server wrote: `dpop` where a key
   * was given for it, and only there; else `bearer`.
   */
  readonly token_type: 'bearer' | 'dpop' | Lowercase<string>
  /** Seconds the access token lives, counted from the answer. Absent where the server doesn't say. */
  readonly expires_in?: number
  /** The granted scope, space-delimited. Absent where it is the one that was asked for. */
  readonly scope?: string
  /**
   * The ID token, present where `openid` was granted. With `issuer`, its `iss`, `aud`, `exp` and
   * `iat` were checked (not its signature: it came over TLS straight from the server, OpenID
   * Connect Core §3.1.3.7); with `tokenEndpoint` nothing of it was, since the issuer isn't known.
   */
  readonly id_token?: string
  /** Present where `offline_access` was granted. */
  readonly refresh_token?: string
  /** Whatever else the server answered. */
  readonly [parameter: string]: unknown
}
