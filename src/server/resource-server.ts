/** The resource server without Fastify. */
import { AccessToken } from '../access-token/access-token.js'
import { acceptedSchemes, resolveBindingRequirement } from '../binding/requirement.js'
import { type PresentedToken, presentationOf } from '../credentials/presented-token.js'
import { MissingCredentialsError, ResourceServerError } from '../errors/errors.js'
import { type Result, unwrap } from '../errors/result.js'
import type { KeySetStatus, KeySource } from '../keys/key-source.js'
import { publish } from '../observability/diagnostics.js'
import type { Statistics } from '../observability/statistics.js'
import { compilePolicy, type Policy, type Requirement } from '../policy/requirement.js'
import { checkRevocation } from '../revocation/check-revocation.js'
import type { Revocation } from '../revocation/revocations.js'
import type { StoreStatus } from '../stores/observed-store.js'
import { assemble, type Core } from './assembly.js'
import type { ResourceServerOptions } from './options.js'
import { RouteChallenges } from './route-challenges.js'

/**
 * Verifies access tokens from any source: a WebSocket message, a GraphQL context, a queue. In a
 * Fastify API it is `app.resourceServer`.
 *
 * @typeParam Context second argument of `authorize` of a requirement.
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
   * Verifies a token: its signature (or, with `introspection`, that its issuer calls it active),
   * issuer, audience, times, type, revocation by {@link revoke}, proof of possession if it is
   * sender-constrained, and the requirement. Revocation by the issuer is checked only with
   * `introspection`.
   *
   * @param token the token without the scheme; with its proofs if it may be sender-constrained. If
   *   it is from JSON that a caller sent, make sure that it is a string: with an object, the caller
   *   would choose the URL that its proof must be for.
   * @param requirement further requirements on the token; see {@link Requirement}.
   * @throws {MissingCredentialsError} if there is no token.
   * @throws {InvalidTokenError} if the token is invalid, or not bound to this client.
   * @throws {InvalidDPoPProofError} if the DPoP proof is missing or invalid.
   * @throws {UseDPoPNonceError} if the proof needs the nonce in `error.headers`.
   * @throws {InsufficientUserAuthenticationError} if the user must authenticate again.
   * @throws {InsufficientScopeError} if the token does not meet the requirement.
   * @throws {UnavailableError} if the issuer or a store is unavailable.
   * @throws {TypeError} if the requirement or an object as `token` is invalid.
   * @throws {Error} if a function of the options or of the requirement fails; see `cause`.
   * @see RFC 9068 §4
   */
  verify(token: string | PresentedToken, requirement?: Requirement<undefined>): Promise<AccessToken>
  /**
   * Verifies a token as above, for a requirement or an `issuer` function that reads the context.
   *
   * @param context passed to `authorize` of the requirement and to a function as `issuer`; without
   *   it, both get `undefined`. An `authorize` that reads it compiles only with it.
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
        : compilePolicy(requirement as Requirement<Context>, clock, resourceMetadata?.resource)
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
   * Returns the state of each issuer's key set, for a readiness probe: an instance without `empty`
   * key sets responds without waiting for an issuer. Fetches nothing. With `stores`, see
   * {@link storeStatus} as well.
   */
  keySetStatus(): readonly KeySetStatus[] {
    return this.#sources().map((keys) => keys.status())
  }

  /**
   * Returns the state of each of `stores`, for a readiness probe: while one `rejects` all, every
   * token gets a 503, however fresh the key sets are. Sends no command to a store.
   */
  storeStatus(): readonly StoreStatus[] {
    return this.#core.storeStatus()
  }

  /** Returns the counters since the start, for metrics and tests. */
  statistics(): Statistics {
    return this.#core.counters.read(this.#core.pipeline.cacheSize)
  }

  /**
   * Revokes tokens, whatever their issuer says: one by its `jti`, or all of a `sub`, `sid` or
   * `clientId` issued up to a time. In force on this instance when the call returns, also for
   * cached tokens; with `stores.revocations`, on every instance within a second, and after
   * restarts. Kept at least as long as such a token can be valid: for `maxTokenAge`, or without it
   * for a day, or for the longest lifetime of a token verified so far.
   *
   * The returned promise resolves once the store has the revocation. It rejects with
   * {@link StoreUnavailableError} if the store is unavailable; the revocation is still in force on
   * this instance, and is shared as soon as the store is back. The rejection need not be handled.
   *
   * @throws {TypeError} synchronously, if the revocation is invalid, or has a `sub`, `sid` or
   *   `clientId` without `issuer` although several issuers are trusted.
   * @throws {RangeError} synchronously, if `revocations.maxEntries` are in force. None is dropped.
   */
  revoke(revocation: Revocation): Promise<void> {
    const { revocations, sharedRevocations, issuers, clock } = this.#core
    const checked = checkRevocation(revocation, Math.floor(clock.now()), issuers)
    const inForce = revocations.add(checked)
    const sharing = sharedRevocations?.share(inForce) ?? Promise.resolve()
    // The failure was logged, and must not end a process that does not await the promise.
    sharing.catch(() => {})
    return sharing
  }

  /**
   * Fetches the key set of every issuer: to preload keys before the first token, or after an issuer
   * removed a compromised key, whose tokens must then be rejected. Concurrent calls share one
   * fetch; during the back-off after a failure, none is sent.
   *
   * @throws {KeysUnavailableError} if the keys of an issuer are unavailable; cached keys stay in
   *   use.
   */
  async refreshKeys(): Promise<void> {
    const refreshes = this.#sources().map((keys) => keys.refresh())
    const results = await Promise.allSettled(refreshes)
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /**
   * Aborts fetches in flight, waits until fetched key sets are stored, and starts no more. Clients
   * of `stores` stay open. The Fastify plugin calls this when the application closes.
   */
  async close(): Promise<void> {
    const { issuers, sharedRevocations } = this.#core
    await Promise.all([issuers.close(), sharedRevocations?.close()])
  }

  #sources(): readonly KeySource[] {
    return this.#core.issuers.issuers().map(({ keys }) => keys)
  }
}

/** Returns the token, or throws any other value, even one that is not a rejection. */
function unwrapToken(result: Result<AccessToken>): AccessToken {
  if (result instanceof AccessToken) return result
  throw result
}

/**
 * Creates a resource server without Fastify. Fetches no keys before the first token.
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
