import type { JSONWebKeySet } from 'jose'
import type { RotationOptions } from './signing-keys.js'
import type { ClaimOverrides, IssueTokenOptions } from './token-issuer.js'

/** How many requests each endpoint has received, whatever was answered. */
export interface RequestCounts {
  readonly discovery: number
  readonly jwks: number
  readonly token: number
  /** Requests for anything else. */
  readonly other: number
}

/** A running embedded authorization server; see `createAuthorizationServer`. */
export interface AuthorizationServer {
  /** The issuer identifier, the `iss` of its tokens. */
  readonly issuer: string
  /** The `aud` of its access tokens. */
  readonly audience: string | readonly string[]
  /** The URL of the token endpoint. */
  readonly tokenEndpoint: string
  /** The URL of the key set. */
  readonly jwksUri: string
  /** The server's origin, without a path: `http://127.0.0.1:49152`. */
  readonly url: string
  /** The requests received since the start or the last {@link resetRequests}: a snapshot. */
  readonly requests: RequestCounts
  /** Sets the counts to 0. */
  resetRequests(): void
  /**
   * Makes an access token as the server would for its first user and first client, without a
   * request. Claims given here replace the usual ones, and `undefined` removes one, so that tokens
   * which no server would issue can be made, too; nothing is checked.
   */
  issueToken(claims?: ClaimOverrides, options?: IssueTokenOptions): Promise<string>
  /**
   * Makes an ID token for the first user and first client, without `at_hash`.
   *
   * @throws {TypeError} the server has no user
   */
  issueIdToken(claims?: ClaimOverrides): Promise<string>
  /**
   * Makes a new key and signs with it from now on; answers its `kid`. The keys so far stay
   * published, unless `keep` is false: then the key set holds the new key alone.
   */
  rotateKeys(options?: RotationOptions): Promise<string>
  /** The public keys as they are published now (RFC 7517 §5). */
  keySet(): JSONWebKeySet
  /** Closes the server and every connection. Calling it again does nothing. */
  close(): Promise<void>
  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
