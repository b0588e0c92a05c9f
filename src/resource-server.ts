/** A resource server without Fastify, and the one place where its parts are put together. */
import type { AccessToken } from './access-token.js'
import { isSymmetric } from './algorithms.js'
import { responseHeaders } from './challenge.js'
import { MissingCredentialsError, ResourceServerError } from './errors.js'
import { type Issuer, IssuerRegistry } from './issuer/issuer.js'
import { remoteKeySet } from './issuer/remote-key-set.js'
import { givenKeySet, sharedSecret } from './keys/given-keys.js'
import type { KeySetStatus, KeySource } from './keys/key-source.js'
import { SavedKeys } from './keys/saved-keys.js'
import type { ResolvedIssuer } from './options/issuer-options.js'
import {
  type ResolvedOptions,
  type ResourceServerOptions,
  resolveOptions,
} from './options/resource-server-options.js'
import { Pipeline } from './pipeline.js'
import type { Clock } from './policy/clock.js'
import { compilePolicy, type Requirement } from './policy/requirement.js'
import { Counters, type Statistics } from './statistics.js'

/**
 * Verifies access tokens wherever they come from: a WebSocket message, a GraphQL context, a queue.
 * In a Fastify API it is `app.resourceServer`.
 *
 * @typeParam Context what `authorize` of a requirement gets beside the token.
 */
export class ResourceServer<Context = unknown> {
  readonly #core: Core

  /** @internal */
  constructor(core: Core) {
    this.#core = core
  }

  /**
   * Verifies a token: signature, issuer, audience, times, kind, and the requirement if there is
   * one. It does not check whether the token was revoked, nor a proof of possession: a token that
   * needs one (`cnf`) is refused.
   *
   * @param token as it stands after `Bearer `.
   * @param requirement what the token must permit; see {@link Requirement}.
   * @param context handed on to the requirement's `authorize`.
   * @throws {MissingCredentialsError} if there is no token.
   * @throws {InvalidTokenError} if the token isn't to be trusted.
   * @throws {InsufficientUserAuthenticationError} if its user must authenticate again.
   * @throws {InsufficientScopeError} if it doesn't meet the requirement.
   * @throws {KeysUnavailableError} if no verdict is possible, because keys can't be had.
   * @see RFC 9068 §4
   */
  async verify(
    token: string,
    requirement?: Requirement<Context>,
    ...[context]: undefined extends Context ? [context?: Context] : [context: Context]
  ): Promise<AccessToken> {
    const policy =
      requirement === undefined ? NOTHING_MORE : compilePolicy(requirement, this.#core.clock)
    try {
      if (typeof token !== 'string' || token === '') throw new MissingCredentialsError()
      const verified = await this.#core.pipeline.verify(token)
      await policy.require(verified, context as Context)
      return verified
    } catch (error) {
      if (error instanceof ResourceServerError) {
        error.headers = responseHeaders(error, { realm: this.#core.realm, scope: policy.scope })
        this.#core.counters.reject(error.code)
      }
      throw error
    }
  }

  /**
   * How the key set of each issuer is doing, for a readiness probe: a server whose key sets aren't
   * `empty` answers without waiting for anybody. Looks only, and fetches nothing.
   */
  status(): readonly KeySetStatus[] {
    return this.#core.issuers.sources().map((keys) => keys.status())
  }

  /** What was done since the start, in numbers: for a metrics page, and for tests. */
  stats(): Statistics {
    return this.#core.counters.read(this.#core.pipeline.cachedTokens)
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
    const refreshes = this.#core.issuers.sources().map((keys) => keys.refresh())
    const outcomes = await Promise.allSettled(refreshes)
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /**
   * Ends fetches under way, once what was fetched is in the store; none is begun afterwards. A
   * Fastify API does this on its own.
   */
  async close(): Promise<void> {
    await this.#core.issuers.close()
  }
}

const NOTHING_MORE = compilePolicy<unknown>({}, { now: () => 0, clockTolerance: 0 })

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

/** The parts, put together. */
export interface Core {
  readonly pipeline: Pipeline
  readonly issuers: IssuerRegistry
  readonly realm: string
  readonly counters: Counters
  readonly clock: Clock
}

export async function assemble(options: ResourceServerOptions): Promise<Core> {
  const resolved = resolveOptions(options)
  const issuers = new IssuerRegistry(
    await Promise.all(resolved.issuers.map((issuer) => assembleIssuer(issuer, resolved))),
  )
  const { now, limits, realm } = resolved
  const counters = new Counters()
  return {
    pipeline: new Pipeline({ ...resolved, issuers, counters }),
    issuers,
    realm,
    counters,
    clock: { now: () => now() / 1000, clockTolerance: limits.clockTolerance },
  }
}

async function assembleIssuer(issuer: ResolvedIssuer, options: ResolvedOptions): Promise<Issuer> {
  const { profile, audience, algorithms } = issuer
  return {
    issuer: issuer.issuer,
    algorithms,
    profile,
    expectations: { audience, ...profile },
    keys: await assembleKeys(issuer, options),
  }
}

async function assembleKeys(
  { issuer, algorithms, keys }: ResolvedIssuer,
  { steadyNow, logger }: ResolvedOptions,
): Promise<KeySource> {
  if (keys.from === 'secret') {
    return sharedSecret(issuer, keys.secret, [...algorithms].filter(isSymmetric))
  }
  if (keys.from === 'given') return givenKeySet(issuer, keys.jwks, keys.maxKeys)
  const { store, ...jwks } = keys.jwks
  const saved =
    store === undefined
      ? undefined
      : new SavedKeys({
          store,
          issuer,
          jwksUri: keys.jwksUri,
          maxKeys: jwks.maxKeys,
          timeout: jwks.timeout,
          onFailure: (what, err) =>
            logger.warn({ err, issuer }, `the store of key sets failed to ${what} one`),
        })
  return remoteKeySet({
    ...jwks,
    issuer,
    jwksUri: keys.jwksUri,
    allowHttp: keys.allowHttp,
    saved,
    now: steadyNow,
    onFailure: (err, retryIn) =>
      logger.warn(
        { err, issuer, retryInMilliseconds: Math.round(retryIn) },
        'the key set of an issuer could not be fetched',
      ),
  })
}
