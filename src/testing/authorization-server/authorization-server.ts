import type { JSONWebKeySet, JWK } from 'jose'
import type {
  IntrospectionAnswerOptions,
  IntrospectionOverride,
} from './endpoints/introspection-override.js'
import type { MoveOptions } from './endpoints/key-set-location.js'
import type { Fault } from './faults/fault.js'
import type { EndpointName } from './http/router.js'
import type { ClaimOverrides, IssueTokenOptions } from './tokens/issue-token-options.js'
import type { RotationOptions } from './tokens/signing-keys.js'

/** The number of requests that each endpoint received, whatever the response. */
export interface RequestCounts {
  /** Requests for metadata (OpenID Connect Discovery, RFC 8414). */
  readonly discovery: number
  /** Requests for the key set, including those to a former URL of a moved key set. */
  readonly jwks: number
  /** Requests to the token endpoint, whatever the grant. */
  readonly token: number
  /** Introspection requests. */
  readonly introspection: number
  /** Revocation requests. */
  readonly revocation: number
  /** Requests for anything else. */
  readonly other: number
}

/** A running embedded authorization server; see `createAuthorizationServer`. */
export interface AuthorizationServer {
  /** The issuer identifier, the `iss` of its tokens. */
  readonly issuer: string
  /**
   * The value for an API's option `audience`: the `aud` of access tokens, or with `cognito` the
   * client ids.
   */
  readonly audience: string | readonly string[]
  /** The URL of the token endpoint. */
  readonly tokenEndpoint: string
  /** The URL of the introspection endpoint (RFC 7662). */
  readonly introspectionEndpoint: string
  /** The URL of the revocation endpoint (RFC 7009). */
  readonly revocationEndpoint: string
  /** The URL of the key set, the latest one after {@link moveKeySet}. */
  readonly jwksUri: string
  /** The server's origin, without a path: `http://127.0.0.1:49152`. */
  readonly url: string
  /** A snapshot of the requests received since the start or the last {@link resetRequests}. */
  readonly requests: RequestCounts
  /** Sets the counts to 0. */
  resetRequests(): void
  /**
   * Issues an access token for the first user and the first client, without a request. Claims given
   * here override the default ones, and `undefined` removes one; they are not validated, so that a
   * test can create tokens that no server would issue. The introspection endpoint knows the latest
   * 20,000 access tokens.
   *
   * @throws {TypeError} if an option is unknown or invalid, or `subject` is `'user'` and there is
   *   no user
   */
  issueToken(claims?: ClaimOverrides, options?: IssueTokenOptions): Promise<string>
  /**
   * Issues an ID token for the first user and the first client, without `at_hash`.
   *
   * @throws {TypeError} if the server has no user
   */
  issueIdToken(claims?: ClaimOverrides): Promise<string>
  /**
   * Revokes a token without a request: an access token of either format, or a refresh token and all
   * tokens of the same sign-in. The introspection endpoint then reports it as inactive; an API that
   * only verifies JWTs still accepts a revoked JWT. Returns whether the token existed.
   *
   * @throws {TypeError} if the token is not a string
   */
  revoke(token: string): boolean
  /**
   * Overrides the introspection response to every request until the next call; without arguments it
   * restores the correct response.
   *
   * ```ts
   * server.answerIntrospectionWith({ active: 'true' })
   * server.answerIntrospectionWith({ aud: 'api://other', exp: undefined })
   * server.answerIntrospectionWith(({ active }) => [active])
   * server.answerIntrospectionWith({}, { claims: { aud: 'another-client' } })
   * ```
   *
   * @param override Members to set in the correct response, where `undefined` removes one; or a
   *   function that builds the whole response from the correct one. A result that cannot be
   *   serialized as JSON becomes a 500 response.
   * @throws {TypeError} if an argument is invalid
   */
  answerIntrospectionWith(
    override?: IntrospectionOverride,
    options?: IntrospectionAnswerOptions,
  ): void
  /**
   * Requires a nonce in every DPoP proof at the token endpoint from now on, and returns it; each
   * call creates a new nonce and invalidates the previous one. A proof without the nonce is
   * rejected with `use_dpop_nonce` and the nonce in `DPoP-Nonce` (RFC 9449 §8), after client
   * authentication and before any other check. Requests without a proof are not affected.
   */
  requireDPoPNonce(): string
  /**
   * Generates a new key, signs with it from now on, and returns its `kid`. The previous keys stay
   * published, the newest 50 of them, unless `keepOld` is false: then the key set contains only the
   * new key. Generating an RSA key takes about 100 ms; an `ES256` key is generated much faster.
   */
  rotateKeys(options?: RotationOptions): Promise<string>
  /** Returns the public keys as currently published (RFC 7517 §5). */
  keySet(): JSONWebKeySet
  /**
   * Publishes an additional public key whose private key the test holds: for tokens that no server
   * would sign, and for keys that no API should use. The key is published unchanged, whatever its
   * size, `use` or `kid`, after the server's own keys, until {@link rotateKeys} with `keepOld:
   * false`. The server never signs with it, and its introspection endpoint does not know the
   * tokens.
   *
   * @throws {TypeError} if the value is not a JWK, or has private or secret members
   */
  publishKey(jwk: JWK): void
  /**
   * Moves the key set to a new URL, `{issuer}/v1/keys-2` and so on, which the metadata names from
   * now on, and returns this URL. The former URL returns 404, unless `keepOld` is true: then it
   * keeps serving the keys published at the time of the move.
   *
   * @throws {TypeError} if an option is unknown or invalid
   */
  moveKeySet(options?: MoveOptions): string
  /**
   * Injects a fault at endpoints until {@link recover}. It replaces an endpoint's current fault and
   * applies to requests that arrive from now on; they are counted as usual. Operations without a
   * request, such as {@link issueToken}, are not affected.
   *
   * ```ts
   * server.fail({ status: 429, retryAfter: 5 }, 'jwks')
   * server.fail('hang')
   * ```
   *
   * @param endpoints Default: every endpoint that supports the fault.
   * @throws {TypeError} if the fault or the endpoint is unknown, or the endpoint does not support
   *   the fault
   */
  fail(fault: Fault, endpoints?: EndpointName | readonly EndpointName[]): void
  /**
   * Removes the faults of endpoints. Responses in flight end as they began: a request that hangs
   * keeps hanging until its client, {@link suspend} or {@link close} ends it.
   *
   * @param endpoints Default: every endpoint.
   * @throws {TypeError} if an endpoint is unknown
   */
  recover(endpoints?: EndpointName | readonly EndpointName[]): void
  /**
   * Stops listening and closes every connection, so that connecting fails (`ECONNREFUSED`) until
   * {@link resume}. Faults, keys and counts are kept. Does nothing if the server is suspended or
   * closed.
   */
  suspend(): Promise<void>
  /**
   * Listens again on the same port. Does nothing if the server is not suspended.
   *
   * @throws the error of `listen`: `EADDRINUSE` if another process took the port in the meantime
   * @throws {Error} if the server is closed
   */
  resume(): Promise<void>
  /**
   * Closes the server and every connection immediately, including those that wait for a response.
   * Further calls do nothing.
   */
  close(): Promise<void>
  /** Calls {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
