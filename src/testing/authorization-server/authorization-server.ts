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

/** How many requests each endpoint has received, whatever was answered, or not. */
export interface RequestCounts {
  /** Those for metadata, OpenID Connect's and RFC 8414's. */
  readonly discovery: number
  /** Those for a URL from which the key set has moved away, too. */
  readonly jwks: number
  /** Those for the token endpoint, whatever the grant. */
  readonly token: number
  /** Those that ask about a token. */
  readonly introspection: number
  /** Those that take a token back. */
  readonly revocation: number
  /** Requests for anything else. */
  readonly other: number
}

/** A running embedded authorization server; see `createAuthorizationServer`. */
export interface AuthorizationServer {
  /** The issuer identifier, the `iss` of its tokens. */
  readonly issuer: string
  /** What an API gives as its `audience`: the `aud` of access tokens, or with `cognito` the client ids. */
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
  /** The requests received since the start or the last {@link resetRequests}: a snapshot. */
  readonly requests: RequestCounts
  /** Sets the counts to 0. */
  resetRequests(): void
  /**
   * Makes an access token as the server would for its first user and first client, without a
   * request. Claims given here replace the usual ones, and `undefined` removes one, so that tokens
   * which no server would issue can be made, too; nothing of them is checked. The introspection
   * endpoint knows the latest 20,000 access tokens.
   *
   * @throws {TypeError} an option is unknown or impossible, or `subject` a user that isn't there
   */
  issueToken(claims?: ClaimOverrides, options?: IssueTokenOptions): Promise<string>
  /**
   * Makes an ID token for the first user and first client, without `at_hash`.
   *
   * @throws {TypeError} the server has no user
   */
  issueIdToken(claims?: ClaimOverrides): Promise<string>
  /**
   * Ends a token without a request: an access token of either format, or a refresh token and all
   * that came of the same sign-in. The introspection endpoint then says that it is not active, and
   * what looks at a JWT alone can't tell. Answers whether there was such a token.
   *
   * @throws {TypeError} the token is no string
   */
  revoke(token: string): boolean
  /**
   * Makes the introspection endpoint tell something else than the truth, to every request until it
   * is called again; without arguments it is the truth.
   *
   * ```ts
   * server.answerIntrospectionWith({ active: 'true' })
   * server.answerIntrospectionWith({ aud: 'api://other', exp: undefined })
   * server.answerIntrospectionWith(({ active }) => [active])
   * server.answerIntrospectionWith({}, { claims: { aud: 'somebody else' } })
   * ```
   *
   * @param override Members to set in the true answer, where `undefined` removes one; or a function
   *   that makes the whole answer from it. What is no JSON becomes an answer 500.
   * @throws {TypeError} an argument is impossible
   */
  answerIntrospectionWith(
    override?: IntrospectionOverride,
    options?: IntrospectionAnswerOptions,
  ): void
  /**
   * Asks for a nonce in every DPoP proof at the token endpoint from now on, and answers it; calling
   * it again makes another, so that the one before is refused. A proof without it is answered with
   * `use_dpop_nonce` and the nonce in `DPoP-Nonce` (RFC 9449 §8), before anything else is looked at
   * but the client's authentication. Requests without a proof go on as before.
   */
  requireDPoPNonce(): string
  /**
   * Makes a new key and signs with it from now on; returns its `kid`. The keys so far stay
   * published, the newest 50 of them, unless `keep` is false: then the key set holds the new key alone.
   * An RSA key takes about a tenth of a second, one for `ES256` next to nothing.
   */
  rotateKeys(options?: RotationOptions): Promise<string>
  /** The public keys as they are published now (RFC 7517 §5). */
  keySet(): JSONWebKeySet
  /**
   * Publishes one more public key, whose private half the test has: for tokens that no server would
   * sign, and for keys that nobody should use. It is published as it is, whatever its size, use or
   * `kid`, after the server's own keys, until {@link rotateKeys} with `keep: false`. The server signs
   * nothing with it, and its introspection endpoint doesn't know the tokens.
   *
   * @throws {TypeError} it is no JWK, or has private or secret parts
   */
  publishKey(jwk: JWK): void
  /**
   * Publishes the key set at another URL, `{issuer}/v1/keys-2` and so on, which the metadata names
   * from now on; answers it. The former URL answers 404, unless `keepOld` is true: then the keys as
   * they are now.
   *
   * @throws {TypeError} an option is unknown or impossible
   */
  moveKeySet(options?: MoveOptions): string
  /**
   * Makes endpoints answer wrongly until {@link recover}. It replaces the fault that an endpoint
   * has, and concerns requests that arrive from now on; they are counted as usual. What this server
   * does without a request, such as {@link issueToken}, goes on.
   *
   * ```ts
   * server.fail({ status: 429, retryAfter: 5 }, 'jwks')
   * server.fail('hang')
   * ```
   *
   * @param endpoints Default: every endpoint at which the fault is possible.
   * @throws {TypeError} there is no such fault or endpoint, or not the one at the other
   */
  fail(fault: Fault, endpoints?: EndpointName | readonly EndpointName[]): void
  /**
   * Makes endpoints answer rightly again, where they don't. Answers under way end as they began, so
   * that a request that hangs goes on hanging until its client, {@link suspend} or {@link close}
   * ends it.
   *
   * @param endpoints Default: every one.
   * @throws {TypeError} there is no such endpoint
   */
  recover(endpoints?: EndpointName | readonly EndpointName[]): void
  /**
   * Stops listening and cuts every connection, so that connecting fails (`ECONNREFUSED`) until
   * {@link resume}. Faults, keys and counts stay. Without effect where it is suspended or closed.
   */
  suspend(): Promise<void>
  /**
   * Listens again, on the port as before. Without effect where it is not suspended.
   *
   * @throws the error of `listen`: `EADDRINUSE` where something else took the port meanwhile
   * @throws {Error} the server is closed
   */
  resume(): Promise<void>
  /**
   * Closes the server and every connection at once, also those on which it owes an answer. Calling
   * it again does nothing.
   */
  close(): Promise<void>
  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
