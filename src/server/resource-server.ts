/** Defines the class that verifies tokens, for the plugin and for applications without Fastify. */
import { AccessToken } from '../access-token/access-token.js'
import { acceptedSchemes, resolveBindingRequirement } from '../binding/requirement.js'
import { type PresentedToken, presentationOf } from '../credentials/presented-token.js'
import { MissingCredentialsError } from '../errors/errors.js'
import { ResourceServerError } from '../errors/resource-server-error.js'
import { type Result, unwrap } from '../errors/result.js'
import type { KeySetStatus, KeySource } from '../keys/key-source.js'
import { publish } from '../observability/diagnostics.js'
import type { SecurityEvent } from '../observability/security-event.js'
import type { Statistics } from '../observability/statistics.js'
import { compilePolicy, type Policy, type Requirement } from '../policy/requirement.js'
import type { Revocation } from '../revocation/revocations.js'
import type { SecurityEventFeedStatus } from '../security-events/feed.js'
import type { Logout } from '../security-events/logouts.js'
import { type LogoutTokenOptions, resolveLogoutTokenOptions } from '../security-events/options.js'
import type { StoreStatus } from '../stores/observed-store.js'
import { assemble, type Core, refreshableKeys } from './assembly.js'
import type { ResourceServerOptions } from './options.js'
import { type Readiness, type ReadinessOptions, readinessOf } from './readiness.js'
import { type RefreshKeysOptions, refreshKeys } from './refresh-keys.js'
import { RouteChallenges } from './route-challenges.js'

/**
 * Verifies access tokens from any source, such as a WebSocket message, a GraphQL context or a
 * queue. In a Fastify API, `app.resourceServer` is an instance of this class.
 *
 * @typeParam Context the second argument of the function `authorize` of a requirement.
 */
export class ResourceServer<Context = unknown> {
  readonly #core: Core
  readonly #anyToken: Policy<Context>

  /** @internal */
  constructor(core: Core) {
    this.#core = core
    this.#anyToken = compilePolicy<Context>({}, core.clock, undefined)
  }

  /**
   * Verifies a token: its signature or, with `introspection`, that its issuer reports it as active;
   * its issuer, audience, times and type; that {@link revoke} did not revoke it; the proof of
   * possession, if it is sender-constrained; and the requirement. Revocation by the issuer is
   * checked only with `introspection`.
   *
   * @param token the token without the scheme, or an object with the token and its proofs if it may
   *   be sender-constrained. If the value is from JSON that a caller sent, make sure that it is a
   *   string: with an object, the caller would choose the URL that the proof must match.
   * @param requirement further requirements on the token; see {@link Requirement}.
   * @throws {MissingCredentialsError} if there is no token.
   * @throws {InvalidTokenError} if the token is invalid, or if its proof of possession does not
   *   match the key or certificate that it is bound to.
   * @throws {InvalidDPoPProofError} if the DPoP proof is missing or invalid.
   * @throws {UseDPoPNonceError} if the proof needs the nonce in `error.headers`.
   * @throws {InsufficientUserAuthenticationError} if the user must authenticate again.
   * @throws {InsufficientScopeError} if the token does not meet the requirement.
   * @throws {UnavailableError} if the issuer or a store is unavailable.
   * @throws {TypeError} if the requirement, or an object as `token`, is invalid.
   * @throws {Error} if a function of the options or of the requirement throws; `cause` is the
   *   thrown value. Errors of this package, and errors of `authorize` with a 4xx `statusCode`, are
   *   thrown unchanged.
   * @see RFC 9068 §4
   */
  verify(token: string | PresentedToken, requirement?: Requirement<undefined>): Promise<AccessToken>
  /**
   * Verifies a token like the other overload, and passes a context to the application's functions.
   *
   * @param context the argument for the functions of the requirement (`authorize`, `scope`,
   *   `anyScope` and `check`) and for a function as `issuer`. The other overload
   *   passes `undefined`.
   */
  verify(
    token: string | PresentedToken,
    requirement: Requirement<Context> | undefined,
    context: Context,
  ): Promise<AccessToken>
  async verify(
    token: string | PresentedToken,
    requirement?: Requirement<undefined> | Requirement<Context>,
    context?: Context,
  ): Promise<AccessToken> {
    const { pipeline, binding, clock, counters, resourceMetadata } = this.#core
    const policy =
      requirement === undefined
        ? this.#anyToken
        : compilePolicy(requirement as Requirement<Context>, clock, resourceMetadata)
    const bindingRequirement =
      requirement === undefined
        ? binding.requirement
        : resolveBindingRequirement(requirement, binding.requirement)
    const presented = presentationOf(token)
    try {
      const { token: raw } = presented
      if (typeof raw !== 'string' || raw === '') {
        throw new MissingCredentialsError(acceptedSchemes(bindingRequirement))
      }
      const verified = unwrapToken(await pipeline.verify(raw, context))
      if (!binding.needsNoProof(verified, presented.scheme, bindingRequirement)) {
        unwrap(await binding.verify(verified, presented, bindingRequirement))
      }
      unwrap(await policy.check(verified, context as Context))
      publish('token:accept', { token: verified, context })
      return verified
    } catch (error) {
      if (error instanceof ResourceServerError) {
        const challenges = new RouteChallenges(this.#core, bindingRequirement, policy.scope)
        error.headers = challenges.headersFor(error, context as Context, () => presented.scheme)
        counters.reject(error.code)
        publish('token:reject', { error, context })
      }
      throw error
    }
  }

  /**
   * Returns whether this instance can verify tokens, for a readiness probe. Synchronous: reads only
   * states in memory.
   *
   * The instance is not ready
   * - while no issuer in the options has usable keys, or one of `requiredIssuers` has none;
   * - while the revocations are not loaded, and `revocations.untilLoaded` is `'reject'`;
   * - with `dpop: 'required'`, while `stores.replay` was not used yet or is unavailable, and
   *   `dpop.replay.whenUnavailable` is `'reject'`.
   *
   * Other problems are `warnings`: cached keys that cannot be refreshed, the outage of one of several
   * issuers, of introspection or of another store, and a feed of security events that is silent. If
   * `issuer` is a function, keys do not count.
   *
   * The call starts what the instance waits for, so that an instance without requests becomes ready:
   * it loads keys that are missing, except during the back-off after a failed fetch, and it checks the
   * replay store at most once a second. Callers of a public probe cause no further requests.
   *
   * @throws {TypeError} if `requiredIssuers` has an identifier that no issuer in the options has.
   *
   * @example
   * ```ts
   * const { ready } = app.resourceServer.ready()
   * ```
   */
  ready(options: ReadinessOptions = {}): Readiness {
    const { namedIssuers, needsReplay, checkReplay, securityEvents } = this.#core
    const issuers = namedIssuers.size === 0 ? [] : this.#core.issuers.issuers()
    const stores = this.storeStatus()
    const feeds = securityEvents.status()
    const readiness = readinessOf({ issuers, stores, needsReplay, feeds }, options)
    for (const { keys } of issuers) keys.prefetch()
    checkReplay()
    return readiness
  }

  /**
   * Returns the state of each issuer's key set, for metrics: if no key set is `empty`, no token
   * waits for the first fetch of keys. Fetches nothing. If `issuer` is a function, only issuers that
   * are in the cache are included.
   */
  keySetStatus(): readonly KeySetStatus[] {
    return this.#sources().map((keys) => keys.status())
  }

  /**
   * Returns the state of each store in the option `stores`, for metrics: while `rejects` of a store
   * is `'all'`, every token gets a 503, even if the key sets are fresh. Sends no command to a store.
   */
  storeStatus(): readonly StoreStatus[] {
    return this.#core.storeStatus()
  }

  /**
   * Returns the state of each feed in the option `securityEvents`, for metrics and alerts. A silent
   * feed does not affect the verification of tokens, so it need not make an instance unready. Sends
   * no request. With several instances, each counts what it received itself.
   */
  securityEventStatus(): readonly SecurityEventFeedStatus[] {
    return this.#core.securityEvents.status()
  }

  /** Returns the counters since this instance was created, for metrics and tests. */
  statistics(): Statistics {
    return this.#core.counters.read(this.#core.pipeline.cacheSize)
  }

  /**
   * Revokes tokens even though their issuer considers them valid: one token by its `jti`, or all
   * tokens of a `sub`, `sid` or `clientId` that were issued up to a time.
   *
   * The revocation is in force on this instance when the call returns, also for cached tokens. With
   * `stores.revocations`, while the store is available, it is in force on every instance within a
   * second, and stays in force after restarts. The revocation is kept for `maxTokenAge`; without
   * that option, for a day or the longest token lifetime seen so far, whichever is longer.
   *
   * The returned promise resolves once the store has the revocation. It rejects with
   * {@link StoreUnavailableError} if the store is unavailable. The revocation is still in force on
   * this instance then, and is shared as soon as the store is available. An unhandled rejection of
   * the promise does not end the process.
   *
   * @throws {TypeError} synchronously, if the revocation is invalid, or has a `sub`, `sid` or
   *   `clientId` without `issuer` although several issuers are trusted.
   * @throws {RangeError} synchronously, if `revocations.maxEntries` revocations are in force: an
   *   existing one is never dropped for a new one.
   */
  revoke(revocation: Revocation): Promise<void> {
    return this.#core.revoke(revocation)
  }

  /**
   * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0), and revokes the access tokens
   * of the session, or of the user, that it names. A route calls this method with the
   * `logout_token` that an issuer posts to it; the plugin's option `backchannelLogout` is such a
   * route.
   *
   * Verifies the signature with the keys of a trusted issuer; `typ`, which must be `logout+jwt`,
   * `JWT` or absent; `aud`, `iat`, `events`; that there is no `nonce`; that `sid` or `sub` exists;
   * and that no token with this `jti` was accepted before. `exp` is verified if it is present:
   * many issuers omit it, although the specification has required it since 2023; without it, only
   * the maximum age of `iat` limits the lifetime.
   *
   * The revocation is in force as described at {@link revoke}. It covers tokens that were issued up
   * to the `iat` of the logout token, in the same second as well; for a session, up to
   * `clockTolerance` later, because a session that ended issues no more tokens.
   *
   * @param token the value of the parameter `logout_token`.
   * @param context the argument for a function as `issuer` that depends on the request.
   * @returns what the token says, once the revocation is in force and, with `stores.revocations`,
   *   stored.
   * @throws {InvalidTokenError} if the logout token is invalid, too old, or was accepted before;
   *   `check` says which check failed. Respond with 400.
   * @throws {UnavailableError} if the keys of the issuer or a store are unavailable, or no cached
   *   key verifies the token and the keys cannot be fetched again yet. If only a store is
   *   unavailable, the revocation is in force on this instance. Respond with 503.
   * @throws {RangeError} if `revocations.maxEntries` revocations are in force.
   * @throws {TypeError} if an option is invalid.
   * @see OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6
   *
   * @example
   * ```ts
   * await app.resourceServer.revokeByLogoutToken(token, { clientId: 'web-app' })
   * ```
   */
  async revokeByLogoutToken(
    token: string,
    options: LogoutTokenOptions,
    context?: Context,
  ): Promise<Logout> {
    return this.#core.logouts.accept(token, resolveLogoutTokenOptions(options), context)
  }

  /**
   * Verifies a security event token (RFC 8417) of a transmitter in the option `securityEvents`, and
   * revokes the access tokens that the event concerns (SSF 1.0, CAEP 1.0, RISC 1.0). A route calls
   * this method with the body that a transmitter posts to it (RFC 8935); the option `push` of a feed
   * is such a route.
   *
   * Verifies the signature with the keys of the transmitter; `typ`, which must be `secevent+jwt`;
   * `aud`, `iat`, `jti`, `events` with one event; that there is no `sub`; `exp` if it is present;
   * and that `sub_id` is well-formed.
   *
   * The revocation is in force as described at {@link revoke}. It covers tokens that were issued up
   * to the time of the event, which is never after the `iat` of the security event token; for a
   * session that ended, up to `clockTolerance` later.
   *
   * Acknowledge the token whatever the `outcome` is: also a duplicate, an event that revokes nothing
   * and one whose subject is unknown.
   *
   * @param token the security event token, as the transmitter sent it.
   * @returns the event and its outcome, once the revocation is in force and, with
   *   `stores.revocations`, stored.
   * @throws {InvalidTokenError} if the token is invalid or too old; `check` says which check failed.
   *   Respond with 400.
   * @throws {UnavailableError} if the keys of the transmitter or a store are unavailable, or no cached
   *   key verifies the token and the keys cannot be fetched again yet. If only a store is
   *   unavailable, the revocation is in force on this instance. Respond with 503.
   * @throws {RangeError} if `revocations.maxEntries` revocations are in force.
   * @throws {TypeError} if there is no option `securityEvents`, or `resolveSubject` returns an
   *   invalid value.
   * @throws {Error} if `resolveSubject` throws; `cause` is the thrown value.
   * @see RFC 8417 §2, RFC 8935 §2, SSF 1.0 §4
   *
   * @example
   * ```ts
   * const { outcome } = await app.resourceServer.receive(token)
   * ```
   */
  async receive(token: string): Promise<SecurityEvent> {
    return this.#core.securityEvents.receive(token)
  }

  /**
   * Fetches the key set of every issuer, and of transmitters with keys of their own. Call this method
   * to load keys before the first token, or after an issuer removed a compromised key, so that tokens
   * signed with that key are rejected. If `issuer` is a function, only the key sets of issuers that
   * are in the cache are fetched.
   *
   * If a fetch is in flight, the call waits for it and then fetches again, because the response in
   * flight may be older than the removal of the key. Calls that wait for the same fetch share the
   * fetch that follows. During the back-off after a failed fetch, no fetch is started.
   *
   * With `everywhere`, every other instance that shares `stores.revocations` also fetches the keys
   * again, within about a second, and no longer accepts tokens signed with a removed key. If a fetch
   * fails, cached keys stay in use, and the instance repeats the fetch after its back-off.
   *
   * @throws {KeysUnavailableError} if the fetch for an issuer fails, or during its back-off. The
   *   other key sets are refreshed, and cached keys stay in use.
   * @throws {StoreUnavailableError} with `everywhere`, if the store is unavailable: this instance has
   *   refreshed its keys, and no other instance is known to have. The others are informed as soon as
   *   the store is available, unless this instance is closed before.
   * @throws {AggregateError} with `everywhere`, if both fail; `errors` has both errors.
   * @throws {TypeError} with `everywhere`, without `stores.revocations`.
   */
  async refreshKeys({ everywhere = false }: RefreshKeysOptions = {}): Promise<void> {
    const keys = refreshableKeys(this.#core)
    await refreshKeys({ keys, keyRefresh: this.#core.keyRefresh, everywhere })
  }

  /**
   * Aborts fetches and polls in flight and starts no new ones. Waits until fetched key sets are
   * stored, and at most 10 s until pending revocations are stored. Ends the thread that decrypts
   * tokens, if no other resource server uses it. The clients of `stores` stay connected. The Fastify
   * plugin calls this method when the application closes.
   */
  async close(): Promise<void> {
    const { issuers, securityEvents, pollers, sharedRevocations, decrypter } = this.#core
    for (const poller of pollers) poller.close()
    await Promise.all([
      issuers.close(),
      securityEvents.close(),
      sharedRevocations?.close(),
      decrypter?.close(),
    ])
  }

  #sources(): readonly KeySource[] {
    return this.#core.issuers.issuers().map(({ keys }) => keys)
  }
}

/** Returns the token. Throws any other value, so that only a verified token is ever accepted. */
function unwrapToken(result: Result<AccessToken>): AccessToken {
  if (result instanceof AccessToken) return result
  throw result
}

/**
 * Creates a resource server without Fastify. No keys are fetched before the first token or the
 * first call of {@link ResourceServer.refreshKeys}.
 *
 * @throws {TypeError} if an option is invalid; the message names the option and the fix.
 *
 * @example
 * ```ts
 * const server = await createResourceServer({
 *   issuer: 'https://login.example.com',
 *   audience: 'https://api.example.com',
 * })
 * const { subject } = await server.verify(token, { scope: 'orders:read' })
 * ```
 */
export async function createResourceServer<Context = unknown>(
  options: ResourceServerOptions,
): Promise<ResourceServer<Context>> {
  return new ResourceServer(await assemble(options))
}
