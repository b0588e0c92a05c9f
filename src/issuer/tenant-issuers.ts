/**
 * Resolves issuers with a function of the application, when a token names them: one issuer per
 * tenant. Unless results depend on the context, they are cached for a limited time, and concurrent
 * tokens of one issuer share one call. Untrusted issuers have a negative cache. Both caches are
 * bounded.
 */

import type { AccessToken } from '../access-token/access-token.js'
import { BoundedCache } from '../base/bounded-cache.js'
import { ownMember } from '../base/plain-object.js'
import { applicationFailure } from '../errors/application-function.js'
import type { StepResult } from '../errors/result.js'
import type { Claims } from '../token/compact-jws.js'
import { ConfigFingerprints } from './config-fingerprint.js'
import { isIssuerIdentifier } from './identifier-syntax.js'
import { closeIssuer, type Issuer, type IssuerSource, untrustedIssuer } from './issuer.js'
import { ProbationCache } from './probation-cache.js'

export interface TenantIssuersOptions {
  /**
   * Calls the application's function, which returns the options of the issuer, or `true`. Returns
   * `undefined`, `null` or `false` if the issuer is not trusted. May return a promise.
   */
  readonly callResolver: (iss: string, context: unknown) => unknown
  /** Whether the result depends on the context. If true, the result is not cached. */
  readonly dependsOnContext: boolean
  /** @throws {TypeError} if the application's result is invalid. */
  readonly assemble: (iss: string, resolution: unknown) => Promise<Issuer>
  /** Closes the key sets that the assembled issuers share. */
  readonly closeKeySets: () => Promise<void>
  readonly maxEntries: number
  /** Lifetime of a cached trusted issuer, in milliseconds. */
  readonly cacheMaxAge: number
  /** Lifetime of an entry of the negative cache, in milliseconds. */
  readonly negativeCacheMaxAge: number
  /** Returns the time of a monotonic clock, in milliseconds. */
  readonly now: () => number
}

interface Assembled {
  readonly key: string
  readonly issuer: Issuer
}

interface CachedIssuer extends Assembled {
  readonly expiresAt: number
}

const MAX_UNTRUSTED = 10_000

export class TenantIssuers implements IssuerSource {
  readonly dependsOnContext: boolean
  readonly trustsSeveral = true
  readonly #options: TenantIssuersOptions
  readonly #fingerprints = new ConfigFingerprints()
  /**
   * Issuers by identifier and fingerprint of the options, so that equal results share one issuer.
   */
  readonly #assembled: ProbationCache<Promise<Assembled>>
  readonly #cacheKeys = new Map<Issuer, string>()
  readonly #trusted: ProbationCache<CachedIssuer>
  readonly #untrusted: BoundedCache<string, number>
  /** Single flight: concurrent tokens of one issuer cause one call of the application. */
  readonly #inFlight = new Map<string, Promise<Assembled | undefined>>()
  #closed = false

  constructor(options: TenantIssuersOptions) {
    const { maxEntries } = options
    this.#options = options
    this.dependsOnContext = options.dependsOnContext
    this.#trusted = new ProbationCache({ max: maxEntries })
    this.#untrusted = new BoundedCache({ max: MAX_UNTRUSTED })
    this.#assembled = new ProbationCache({
      max: maxEntries,
      dispose: (assembling) =>
        void assembling.then(({ issuer }) => this.#closeEvicted(issuer)).catch(() => {}),
    })
  }

  resolve(claims: Claims, context: unknown): StepResult<Issuer> {
    const iss = ownMember(claims, 'iss')
    if (typeof iss !== 'string') return untrusted(iss)
    // Reads the cache first, because isIssuerIdentifier() is slower, and a cached identifier has
    // already passed it.
    const known = this.dependsOnContext ? undefined : this.#cached(iss)
    if (known !== undefined) return known.issuer
    if (!isIssuerIdentifier(iss)) return untrusted(iss)
    if (this.dependsOnContext) return this.#callResolver(iss, context).then(requireTrusted(iss))
    const untrustedUntil = this.#untrusted.get(iss) ?? Number.NEGATIVE_INFINITY
    if (this.#options.now() < untrustedUntil) return untrusted(iss)
    const pending = this.#inFlight.get(iss) ?? this.#resolveOnce(iss)
    return pending.then(requireTrusted(iss))
  }

  stillTrusts(issuer: Issuer, token: AccessToken): boolean {
    return this.#cached(token.issuer)?.issuer === issuer
  }

  admit(issuer: Issuer): void {
    const key = this.#cacheKeys.get(issuer)
    if (key === undefined) return
    this.#assembled.admit(key)
    this.#trusted.admit(issuer.issuer)
  }

  mayTrust(iss: string): boolean {
    return isIssuerIdentifier(iss)
  }

  /**
   * Returns `undefined`, because an opaque token names no issuer that the function could resolve.
   */
  forOpaqueToken(): undefined {}

  issuers(): readonly Issuer[] {
    return [...this.#cacheKeys.keys()]
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.issuers().map(closeIssuer))
    await this.#options.closeKeySets()
  }

  #cached(iss: string): CachedIssuer | undefined {
    const known = this.#trusted.get(iss)
    if (known === undefined || !(this.#options.now() < known.expiresAt)) return undefined
    // Touches the entry of the assembled issuer (LRU), so that an issuer in use is evicted last.
    this.#assembled.get(known.key)
    return this.#cacheKeys.has(known.issuer) ? known : undefined
  }

  #resolveOnce(iss: string): Promise<Assembled | undefined> {
    const pending = this.#callResolver(iss, undefined)
      .then((assembled) => this.#store(iss, assembled))
      .finally(() => this.#inFlight.delete(iss))
    this.#inFlight.set(iss, pending)
    return pending
  }

  async #callResolver(iss: string, context: unknown): Promise<Assembled | undefined> {
    let resolution: unknown
    try {
      resolution = await this.#options.callResolver(iss, context)
    } catch (thrown) {
      throw applicationFailure('issuer', thrown)
    }
    if (resolution === undefined || resolution === null || resolution === false) return undefined
    try {
      return await this.#assemble(iss, resolution)
    } catch (cause) {
      // The reason is only in `cause`, because it may quote options and the client may see a
      // message.
      throw new TypeError(
        'the function "issuer" returned an invalid result: see the "cause" of this error',
        { cause },
      )
    }
  }

  #store(iss: string, assembled: Assembled | undefined): Assembled | undefined {
    const { now, cacheMaxAge: maxAge, negativeCacheMaxAge } = this.#options
    const before = this.#trusted.peek(iss)
    // Drops the keys of an issuer that is no longer trusted or whose options have changed.
    if (before !== undefined && before.key !== assembled?.key) this.#assembled.delete(before.key)
    if (assembled === undefined) {
      this.#trusted.delete(iss)
      this.#untrusted.set(iss, now() + negativeCacheMaxAge)
    } else {
      this.#trusted.set(iss, { ...assembled, expiresAt: now() + maxAge })
    }
    return assembled
  }

  #assemble(iss: string, resolution: unknown): Promise<Assembled> {
    const key = `${iss}\n${this.#fingerprints.fingerprint(resolution)}`
    const known = this.#assembled.get(key)
    if (known !== undefined) return known
    const assembling = this.#options.assemble(iss, resolution).then(async (issuer) => {
      this.#cacheKeys.set(issuer, key)
      if (this.#closed) await closeIssuer(issuer)
      return { key, issuer }
    })
    this.#assembled.set(key, assembling)
    // Removes a failed result, because the application may return valid options the next time.
    assembling.catch(() => this.#assembled.delete(key))
    return assembling
  }

  async #closeEvicted(issuer: Issuer): Promise<void> {
    this.#cacheKeys.delete(issuer)
    await closeIssuer(issuer)
  }
}

/** One error per waiter: error handlers may mutate it. */
function requireTrusted(iss: string): (assembled: Assembled | undefined) => Issuer {
  return (assembled) => {
    if (assembled === undefined) throw untrusted(iss)
    return assembled.issuer
  }
}

function untrusted(iss: unknown) {
  return untrustedIssuer('one that the function "issuer" trusts', iss)
}
