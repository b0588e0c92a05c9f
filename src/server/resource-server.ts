/** A resource server without Fastify. */
import { AccessToken } from '../access-token/access-token.js'
import { acceptedSchemes, resolveDemand } from '../binding/demand.js'
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
import { Challenges } from './challenges.js'
import type { ResourceServerOptions } from './options.js'

/**
 * Verifies access tokens wherever they come from: a WebSocket message, a GraphQL context, a queue.
 * In a Fastify API it is `app.resourceServer`.
 *
 * @typeParam Context what `authorize` of a requirement gets beside the token.
 */
export class ResourceServer<Context = unknown> {
  readonly #core: Core
  readonly #nothingMore: Policy<Context>

  /** @internal */
  constructor(core: Core) {
    this.#core = core
    this.#nothingMore = compilePolicy<Context>({}, core.clock)
  }

  /**
   * Verifies a token: signature (or its issuer's word, with `introspection`), issuer, audience,
   * times, kind, revocation by {@link revoke}, the proof of a token that is bound to its client, and
   * the requirement if there is one. Whether its issuer revoked it is asked only with
   * `introspection`.
   *
   * @param token as it stands after `Bearer `; with what came along, if it may be bound. Of what a
   *   caller sent as JSON, make sure that it is a string: an object would say itself which URL its
   *   proof must be for.
   * @param requirement what the token must permit; see {@link Requirement}.
   * @throws {MissingCredentialsError} if there is no token.
   * @throws {InvalidTokenError} if the token isn't to be trusted, or isn't this client's.
   * @throws {InvalidDPoPProofError} if the proof doesn't hold.
   * @throws {UseDPoPNonceError} if the proof needs a nonce: the one in `error.headers`.
   * @throws {InsufficientUserAuthenticationError} if its user must authenticate again.
   * @throws {InsufficientScopeError} if it doesn't meet the requirement.
   * @throws {UnavailableError} if the issuer or a store cannot be asked now.
   * @see RFC 9068 §4
   */
  verify(token: string | PresentedToken, requirement?: Requirement<undefined>): Promise<AccessToken>
  /**
   * Verifies a token as above, for a requirement or an `issuer` function that reads the context.
   *
   * @param context passed to the requirement's `authorize`, and to a function as `issuer`. Without
   *   it both get `undefined`, so pass it where they read it; an `authorize` that reads it compiles
   *   only with it.
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
    const { pipeline, binding, clock, counters } = this.#core
    const policy =
      requirement === undefined
        ? this.#nothingMore
        : compilePolicy(requirement as Requirement<Context>, clock)
    const demand =
      requirement === undefined ? binding.demand : resolveDemand(requirement, binding.demand)
    const presented = presentationOf(token)
    try {
      const { token: raw } = presented
      if (typeof raw !== 'string' || raw === '') {
        throw new MissingCredentialsError(acceptedSchemes(demand))
      }
      const verified = tokenOrThrow(await pipeline.verify(raw, context))
      if (!binding.needsNoProof(verified, presented.scheme, demand)) {
        unwrap(await binding.verify(verified, presented, demand))
      }
      unwrap(await policy.check(verified, context as Context))
      publish('token:accept', { token: verified, context })
      return verified
    } catch (error) {
      if (error instanceof ResourceServerError) {
        const challenges = new Challenges(this.#core, demand, policy.scope)
        error.headers = challenges.headersFor(error, () => presented.scheme)
        counters.reject(error.code)
        publish('token:reject', { error, context })
      }
      throw error
    }
  }

  /**
   * How the key set of each issuer is doing, for a readiness probe: a server whose key sets aren't
   * `empty` answers without waiting for anybody. With `stores`, see {@link storeStatus} as well. Looks
   * only, and fetches nothing.
   */
  keySetStatus(): readonly KeySetStatus[] {
    return this.#sources().map((keys) => keys.status())
  }

  /**
   * How each of `stores` is doing, for a readiness probe: while one `rejects` all, every token is
   * answered with 503, however fresh the key sets are. Looks only, and asks no store.
   */
  storeStatus(): readonly StoreStatus[] {
    return this.#core.storeStatus()
  }

  /** What was done since the start, in numbers: for a metrics page, and for tests. */
  statistics(): Statistics {
    return this.#core.counters.read(this.#core.pipeline.cachedTokens)
  }

  /**
   * Refuses tokens from now on, whatever their issuer says: one by its `jti`, or all that a `sub`, a
   * `sid` or a `clientId` got up to a time. In force here when the call returns, on tokens verified
   * before as well; with `stores.revocations` on every instance within a second, and after restarts.
   * Kept at least as long as such a token can live: for `maxTokenAge`, or without it for a day, or for
   * as long as the longest token that was seen.
   *
   * What it returns resolves once the store has it. It rejects with {@link StoreUnavailableError} if
   * the store can't be told now; the revocation is in force here all the same, and others are told as
   * soon as they can be. Whoever doesn't wait for it needn't catch that.
   *
   * @throws {TypeError} at once, if the revocation makes no sense, or names a `sub`, `sid` or
   *   `clientId` without `issuer` although several issuers are trusted.
   * @throws {RangeError} at once, if `revocations.maxEntries` are in force. Nothing is forgotten then.
   */
  revoke(revocation: Revocation): Promise<void> {
    const { revocations, sharedRevocations, issuers, clock } = this.#core
    const checked = checkRevocation(revocation, Math.floor(clock.now()), issuers)
    const inForce = revocations.add(checked)
    const sharing = sharedRevocations?.share(inForce) ?? Promise.resolve()
    // It was told to the logger, and must not end a process that doesn't wait.
    sharing.catch(() => {})
    return sharing
  }

  /**
   * Fetches the key set of every issuer anew: before the first token comes, or when an issuer has
   * revoked a key and its tokens must be refused from now on. One fetch serves all who call at the
   * same time, and after a failed one it keeps to the back-off.
   *
   * @throws {KeysUnavailableError} if the keys of an issuer can't be had now; those known before
   *   stay in use.
   */
  async refreshKeys(): Promise<void> {
    const refreshes = this.#sources().map((keys) => keys.refresh())
    const outcomes = await Promise.allSettled(refreshes)
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /**
   * Ends fetches under way, once what was fetched is in the store; none is begun afterwards. Clients
   * of `stores` stay open. A Fastify API does this on its own.
   */
  async close(): Promise<void> {
    const { issuers, sharedRevocations } = this.#core
    await Promise.all([issuers.close(), sharedRevocations?.close()])
  }

  #sources(): readonly KeySource[] {
    return this.#core.issuers.issuers().map(({ keys }) => keys)
  }
}

/** Whatever isn't a token refuses, even if it was none of the refusals. */
function tokenOrThrow(outcome: Result<AccessToken>): AccessToken {
  if (outcome instanceof AccessToken) return outcome
  throw outcome
}

/**
 * A resource server without Fastify. Nothing is fetched before the first token comes.
 *
 * @throws {TypeError} if an option is wrong; the message names it and the mend.
 */
export async function createResourceServer<Context = unknown>(
  options: ResourceServerOptions,
): Promise<ResourceServer<Context>> {
  return new ResourceServer(await assemble(options))
}
