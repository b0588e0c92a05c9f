import type { JSONWebKeySet, JWK } from 'jose'
import type {
  IntrospectionAnswerOptions,
  IntrospectionOverride,
} from './endpoints/introspection-override.js'
import type { MoveOptions } from './endpoints/key-set-location.js'
import type { Fault } from './faults/fault.js'
import type { EndpointName } from './http/router.js'
import type { SecurityEventMethods } from './security-events/security-event-methods.js'
import type { SessionMethods } from './sessions/session-methods.js'
import type { ClaimOverrides, IssueTokenOptions } from './tokens/issue-token-options.js'
import type { RotationOptions } from './tokens/signing-keys.js'

/** The number of requests that each endpoint received, including those that it rejected. */
export interface RequestCounts {
  /** Requests for metadata (OpenID Connect Discovery, RFC 8414, SSF 1.0 §7). */
  readonly discovery: number
  /** Requests for the key set, including those to a former URL of a moved key set. */
  readonly jwks: number
  /** Requests to the token endpoint, for any grant. */
  readonly token: number
  /** Introspection requests. */
  readonly introspection: number
  /** Revocation requests. */
  readonly revocation: number
  /** Requests to the end session endpoint. */
  readonly logout: number
  /** Requests to the endpoints that manage streams of security events (SSF 1.0 §8.1). */
  readonly streams: number
  /** Requests to poll endpoints of streams (RFC 8936). */
  readonly poll: number
  /**
   * All other requests: to the authorization endpoint and its pages, to the registration and
   * UserInfo endpoints, CORS preflight requests, to unknown paths, or with a `Host` that is not a
   * loopback name.
   */
  readonly other: number
}

/** An embedded authorization server that `createAuthorizationServer` started. */
export interface AuthorizationServer extends SessionMethods, SecurityEventMethods {
  /** The issuer identifier: the `iss` of all tokens, unless a test overrides that claim. */
  readonly issuer: string
  /**
   * The value for the option `audience` of an API: the server's own option `audience`, or its
   * default. With the profile `cognito`, the default is the client ids.
   */
  readonly audience: string | readonly string[]
  /** The URL of the token endpoint. */
  readonly tokenEndpoint: string
  /**
   * The URL of the authorization endpoint (RFC 6749 §3.1), at which users log in and allow access.
   * It requires a client with `redirectUris`, or one that has registered itself.
   */
  readonly authorizationEndpoint: string
  /** The URL of the registration endpoint (RFC 7591), at which clients register themselves. */
  readonly registrationEndpoint: string
  /** The URL of the introspection endpoint (RFC 7662). */
  readonly introspectionEndpoint: string
  /** The URL of the revocation endpoint (RFC 7009). */
  readonly revocationEndpoint: string
  /** The URL of the UserInfo endpoint (OpenID Connect Core §5.3). */
  readonly userInfoEndpoint: string
  /**
   * The URL of the end session endpoint (OpenID Connect RP-Initiated Logout 1.0). With
   * `id_token_hint`, it ends the session as `endSession` does, and all sessions of the same login;
   * it redirects only to a `post_logout_redirect_uri` that the client has registered. If ID tokens
   * of the profile have no `sid`, it ends all sessions of the user. Without a valid `id_token_hint`,
   * it asks a user who has logged in at the login page.
   */
  readonly endSessionEndpoint: string
  /** The current URL of the key set, which {@link moveKeySet} changes. */
  readonly jwksUri: string
  /** The origin of the server, without a path, such as `http://127.0.0.1:49152`. */
  readonly url: string
  /** A snapshot of the request counts since the start or the last {@link resetRequests}. */
  readonly requests: RequestCounts
  /** Sets all request counts to 0. */
  resetRequests(): void
  /**
   * Issues an access token for the first user and the first client, without a request. If there is
   * no user, or `subject` is `'client'`, the token is for the first client itself.
   *
   * The introspection endpoint knows at most 20,000 access tokens. If there are more, the server
   * forgets the least recently used token.
   *
   * @param claims Claims that override the default claims. A claim that is set to `undefined` is
   *   left out. The claims are not validated, so that a test can create tokens that no server would
   *   issue.
   * @throws {TypeError} if an option is unknown or invalid, if `subject` is `'user'` and there is
   *   no user, or if `header` or `algorithm` is set for an opaque token
   */
  issueToken(claims?: ClaimOverrides, options?: IssueTokenOptions): Promise<string>
  /**
   * Issues an ID token for the first user and the first client, without a request and without the
   * claim `at_hash`.
   *
   * @param claims Claims that override the default claims, without validation. A claim that is set
   *   to `undefined` is left out.
   * @throws {TypeError} if the server has no user
   */
  issueIdToken(claims?: ClaimOverrides): Promise<string>
  /**
   * Revokes an access token of either format, or a refresh token and all access and refresh tokens
   * of the same sign-in, without a request. The introspection endpoint then reports the revoked
   * access tokens as inactive. An API that verifies JWTs without introspection still accepts a
   * revoked JWT.
   *
   * @returns whether the token existed.
   * @throws {TypeError} if the token is not a string
   */
  revoke(token: string): boolean
  /**
   * Overrides the response to every valid introspection request until the next call of this method.
   * A call without arguments restores the correct response.
   *
   * ```ts
   * server.answerIntrospectionWith({ active: 'true' })
   * server.answerIntrospectionWith({ aud: 'api://other', exp: undefined })
   * server.answerIntrospectionWith(({ active }) => [active])
   * server.answerIntrospectionWith({}, { claims: { aud: 'another-client' } })
   * ```
   *
   * @param override The members of an object override those of the correct response; a member that
   *   is set to `undefined` is left out. A function receives the correct response and returns the
   *   whole response. If the response cannot be serialized as JSON, the endpoint responds with 500.
   * @throws {TypeError} if an argument is invalid
   */
  answerIntrospectionWith(
    override?: IntrospectionOverride,
    options?: IntrospectionAnswerOptions,
  ): void
  /**
   * Requires a nonce in every DPoP proof at the token endpoint from now on (RFC 9449 §8), and
   * returns the nonce. Each call creates a new nonce, and the previous nonce becomes invalid.
   * Requests without a proof need no nonce.
   *
   * If a proof lacks the nonce, the endpoint responds with `use_dpop_nonce` and the nonce in the
   * header `DPoP-Nonce`. Every response with tokens has this header, too. The endpoint checks the
   * nonce after the client authentication, the signature and the other claims of the proof, but
   * before the replay check and the grant.
   */
  requireDPoPNonce(): string
  /**
   * Generates a new key, signs with it from now on, and returns its `kid`. The previous keys stay
   * published, but a rotation keeps at most the newest 50 of the server's own keys, including the
   * new key. If `keepOld` is false, the key set contains only the new key. Generating an RSA key
   * takes about 100 ms; generating an `ES256` key is much faster.
   */
  rotateKeys(options?: RotationOptions): Promise<string>
  /** Returns a copy of the key set that the server currently publishes (RFC 7517 §5). */
  keySet(): JSONWebKeySet
  /**
   * Publishes an additional public key, whose private key the test holds. A test can then sign
   * tokens that no server would sign, or publish a key that no API should use. The key set contains
   * the key unchanged, after the server's own keys. The size, `use` and `kid` of the key are not
   * validated. The key stays published until `rotateKeys({ keepOld: false })`.
   *
   * The server never signs with the key, and its introspection endpoint does not know tokens that
   * the test signs.
   *
   * @throws {TypeError} if the value is not a JWK, or has private or secret members
   */
  publishKey(jwk: JWK): void
  /**
   * Moves the key set to a new URL (`{issuer}/v1/keys-2`, then `{issuer}/v1/keys-3` and so on), and
   * returns this URL. The metadata contains the new URL from now on. The former URL returns 404,
   * or, if `keepOld` is true, the keys that were published at the time of the move.
   *
   * @throws {TypeError} if an option is unknown or invalid
   */
  moveKeySet(options?: MoveOptions): string
  /**
   * Injects a fault at one or several endpoints until {@link recover}. The fault replaces the
   * current fault of the endpoint and applies to requests that arrive from now on. These requests
   * are counted as usual. Operations without a request, such as {@link issueToken}, are not
   * affected.
   *
   * ```ts
   * server.fail({ status: 429, retryAfter: 5 }, 'jwks')
   * server.fail('hang')
   * ```
   *
   * @param endpoints Default: every endpoint that supports the fault.
   * @throws {TypeError} if the fault is invalid, if the endpoint is unknown, or if the endpoint
   *   does not support the fault
   */
  fail(fault: Fault, endpoints?: EndpointName | readonly EndpointName[]): void
  /**
   * Removes the faults of one or several endpoints. Requests that are in flight keep their fault: a
   * request that hangs keeps hanging until the client, {@link suspend} or {@link close} ends it.
   *
   * @param endpoints Default: every endpoint.
   * @throws {TypeError} if an endpoint is unknown
   */
  recover(endpoints?: EndpointName | readonly EndpointName[]): void
  /**
   * Stops listening and closes every connection, so that connecting fails (`ECONNREFUSED`) until
   * {@link resume}. The server keeps its faults, keys and counts. Does nothing if the server is
   * already suspended or closed.
   */
  suspend(): Promise<void>
  /**
   * Listens again on the same port after {@link suspend}. Does nothing if the server is listening.
   *
   * @throws the error of `listen`, such as `EADDRINUSE` if another process took the port in the
   *   meantime
   * @throws {Error} if the server is closed
   */
  resume(): Promise<void>
  /**
   * Closes the server and every connection immediately, including connections that wait for a
   * response, and requests of the server to clients. Further calls have no effect.
   */
  close(): Promise<void>
  /** Calls {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
