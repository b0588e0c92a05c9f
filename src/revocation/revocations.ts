/**
 * Holds the revocations of this API, which rejects revoked tokens even if their issuer considers
 * them valid. A revocation covers one token by its `jti`, or all tokens of a subject, session or
 * client that were issued up to a time.
 *
 * No revocation is evicted while a token that it covers may be valid, because the API would then
 * accept a revoked token: if the list is full, {@link Revocations.add} throws. How long a token may
 * be valid follows from `maxTokenAge`; without this option, from the longest lifetime of the tokens
 * seen so far, at least a day.
 */
import type { AccessToken } from '../access-token/access-token.js'
import type { TokenTimes } from '../access-token/access-token-claims.js'
import { InvalidTokenError } from '../errors/errors.js'
import type { Rejection } from '../errors/result.js'
import {
  ALL_NAMES,
  digestOf,
  digestsFor,
  type NameKinds,
  NO_NAMES,
  nameKind,
  nameOf,
  nameOfDigest,
  type RevocableKind,
} from './revocation-names.js'
import { DIGEST_WORDS, RevocationTable, type RevocationTimes } from './revocation-table.js'

/**
 * The tokens to revoke. Exactly one of `jti`, `sub`, `sid` and `clientId` is required; it must be a
 * non-empty string, and is compared exactly.
 *
 * @example
 * ```ts
 * await app.resourceServer.revoke({ jti: 'a3f1' })
 * await app.resourceServer.revoke({ sub: 'alice', issuer: 'https://login.example.com' })
 * ```
 */
export interface Revocation {
  /** Revokes one token, by its identifier (RFC 7519 §4.1.7). */
  jti?: string
  /**
   * Revokes all tokens of a subject: the `sub` of access tokens or, where they differ, of ID tokens
   * (`idTokenSubject` of the token).
   */
  sub?: string
  /**
   * Revokes all tokens of a session: the `sessionId` of the token, which is the claim `sid` (OpenID
   * Connect Front-Channel Logout §3) unless the issuer's profile reads another claim.
   */
  sid?: string
  /** Revokes all tokens of a client. */
  clientId?: string
  /**
   * Limits the revocation to one trusted issuer: its identifier exactly as in the `iss` of tokens,
   * with Entra's `{tenantid}` replaced by the tenant's ID. Required with `sub`, `sid` and
   * `clientId` if several issuers are trusted (an array, `{tenantid}`, or a function as `issuer`),
   * because another issuer may use the same value for another subject. Default: the one trusted
   * issuer; with `jti`, every issuer (RFC 7519 §4.1.7).
   */
  issuer?: string
  /**
   * Limits the revocation to tokens issued (`iat`) up to this time, in seconds since the epoch;
   * tokens without `iat` count as issued before. 0 to 100,000,000,000, or `Infinity` for a
   * permanent revocation. Default: now; with `jti`, `Infinity`. `iat` comes from the issuer's
   * clock: pass a later time if that clock may be ahead of the clock of this API.
   */
  before?: number
}

export interface RevocationListOptions {
  readonly maxEntries: number
  /** Maximum age of an accepted token, in seconds; `undefined` without a limit. */
  readonly maxTokenAge: number | undefined
  /** Accepted clock skew between the issuer and this API, in seconds. */
  readonly clockTolerance: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /**
   * Called for each token that is not known to be revoked.
   *
   * @throws {StoreUnavailableError} if the token must be rejected because the revocations of other
   *   instances are not loaded yet.
   */
  readonly requireLoaded?: () => void
}

/** A checked {@link Revocation}. Times in seconds since the epoch. */
export interface CheckedRevocation {
  readonly kind: RevocableKind
  readonly value: string
  readonly issuer: string | undefined
  readonly before: number
  readonly revokedAt: number
}

/** A revocation with its name. Times in seconds since the epoch. */
export interface NamedRevocation extends RevocationTimes {
  readonly name: string
}

/** The last check of a token, none of whose revocations was in force then. */
interface TokenCheck {
  /** The kinds of {@link digests}. */
  readonly kinds: NameKinds
  readonly digests: Uint32Array
  /** The {@link Revocations} at that time. */
  revision: number
}

/** A day, in seconds: no common issuer has a longer default lifetime of access tokens. */
const DEFAULT_LIFETIME_SECONDS = 86_400

export class Revocations {
  readonly #options: RevocationListOptions
  readonly #table = new RevocationTable()
  /** The kinds of all names in the table. */
  #kinds: NameKinds = NO_NAMES
  /** Number of changes of the table that may revoke a token. */
  #revision = 0
  readonly #checks = new WeakMap<AccessToken, TokenCheck>()
  /** Longest known time from the issue of a token until it is rejected as expired, in seconds. */
  #maxLifetimeSeconds: number

  constructor(options: RevocationListOptions) {
    const { maxTokenAge = DEFAULT_LIFETIME_SECONDS, clockTolerance } = options
    this.#options = options
    // The issuer's clock may be ahead when it issues a token, and ours behind when it expires.
    this.#maxLifetimeSeconds = maxTokenAge + 2 * clockTolerance
  }

  get size(): number {
    return this.#table.size
  }

  /** Longest known time from the issue of a token until it is rejected as expired, in seconds. */
  get maxLifetimeSeconds(): number {
    return this.#maxLifetimeSeconds
  }

  /**
   * Adds a revocation, or merges it with an existing one.
   *
   * @returns the merged revocation.
   * @throws {RangeError} if there are `maxEntries` revocations, none of which can be removed.
   */
  add({ kind, value, issuer, before, revokedAt }: CheckedRevocation): NamedRevocation {
    const name = nameOf(kind, value, issuer)
    const isNew = this.#table.get(digestOf(name)) === undefined
    if (isNew && this.#isFull()) this.#requireRoom()
    // A token with this `jti` has been issued already, even if `before` is later.
    const lastIssued = kind === 'jti' ? revokedAt : Math.max(revokedAt, before)
    return this.#merge({ name, before, lastIssued }, nameKind(kind, issuer !== undefined))
  }

  /** Whether the list has a revocation of this name whose times are equal or later. */
  has({ name, before, lastIssued }: NamedRevocation): boolean {
    const existing = this.#table.get(digestOf(name))
    return existing !== undefined && existing.before >= before && existing.lastIssued >= lastIssued
  }

  /**
   * Merges a revocation that another instance has accepted, even if the list is full: a token that
   * is revoked on one instance must be rejected on all.
   *
   * @returns the merged revocation.
   */
  merge(revocation: NamedRevocation): NamedRevocation {
    // The name does not tell its kind.
    return this.#merge(revocation, ALL_NAMES)
  }

  #merge({ name, before, lastIssued }: NamedRevocation, kinds: NameKinds): NamedRevocation {
    const digest = digestOf(name)
    const existing = this.#table.get(digest)
    // Otherwise, an instance that never calls add() would keep expired entries of other instances.
    if (existing === undefined && this.#isFull()) this.#makeRoom()
    // The later time counts, so that a merge never narrows a revocation.
    const times = {
      before: Math.max(before, existing?.before ?? before),
      lastIssued: Math.max(lastIssued, existing?.lastIssued ?? lastIssued),
    }
    this.#table.set(digest, times)
    this.#kinds |= kinds
    if (times.before !== existing?.before) this.#revision++
    return { name, ...times }
  }

  /** Yields the revocations that may cover an unexpired token. */
  *active(): Generator<NamedRevocation> {
    const expiredUntil = this.#seconds() - this.#maxLifetimeSeconds
    for (const [digest, times] of this.#table.entries()) {
      if (!(times.lastIssued < expiredUntil)) yield { name: nameOfDigest(digest), ...times }
    }
  }

  /**
   * Whether the token was revoked.
   *
   * @throws {StoreUnavailableError} if `requireLoaded` throws it.
   */
  isRevoked(token: AccessToken): boolean {
    if (this.#table.size > 0 && this.#isListed(token)) return true
    this.#options.requireLoaded?.()
    return false
  }

  /** Records the lifetime of a token; revocations are kept for the longest recorded lifetime. */
  recordLifetime({ exp, iat }: TokenTimes): void {
    const now = this.#seconds()
    this.#extendRetention(exp - Math.min(iat ?? now, now))
  }

  #isListed(token: AccessToken): boolean {
    const check = this.#checkOf(token)
    if (check.revision === this.#revision) return false
    for (let at = 0; at < check.digests.length; at += DIGEST_WORDS) {
      if (this.#covers(this.#table.get(check.digests, at), token.times)) return true
    }
    check.revision = this.#revision
    return false
  }

  #checkOf(token: AccessToken): TokenCheck {
    const known = this.#checks.get(token)
    if (known?.kinds === this.#kinds) return known
    const check = { kinds: this.#kinds, digests: digestsFor(token, this.#kinds), revision: -1 }
    this.#checks.set(token, check)
    return check
  }

  #covers(times: RevocationTimes | undefined, { exp, iat }: TokenTimes): boolean {
    if (times === undefined) return false
    // `iat` is rounded down like our own times, so that a fraction does not make it later.
    if (iat !== undefined && Math.floor(iat) > times.before) return false
    // A token without `iat` reveals its lifetime only here: extend the retention to cover it.
    this.#extendRetention(exp - times.lastIssued)
    return true
  }

  #extendRetention(lifetime: number): void {
    const { maxTokenAge, clockTolerance } = this.#options
    // `maxTokenAge` limits the lifetime, whatever `exp` is.
    if (maxTokenAge !== undefined) return
    this.#maxLifetimeSeconds = Math.max(this.#maxLifetimeSeconds, lifetime + 2 * clockTolerance)
  }

  #isFull(): boolean {
    return this.#table.size >= this.#options.maxEntries
  }

  #makeRoom(): void {
    this.#table.removeExpired(this.#seconds() - this.#maxLifetimeSeconds)
  }

  #requireRoom(): void {
    this.#makeRoom()
    if (!this.#isFull()) return
    throw new RangeError(
      `the limit of ${this.#options.maxEntries} revocations is reached: raise ` +
        '"revocations.maxEntries", or revoke by "sub" or "clientId" instead of one token at a time',
    )
  }

  #seconds(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}

/** Returns the rejection of a revoked token. */
export function revokedTokenRejection(): Rejection {
  return new InvalidTokenError('The access token was revoked', { check: 'revocation' })
}
