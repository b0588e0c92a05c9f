/**
 * Tokens that this API no longer takes, whatever their issuer says: by their `jti`, or all that one
 * subject, session or client got up to a time.
 *
 * Nothing is ever forgotten to make room, as a lost revocation accepts a revoked token: where there
 * is no room, {@link Revocations.add} throws. It goes when no token that it refuses can be alive.
 */
import type { AccessToken } from '../access-token/access-token.js'
import type { TokenTimes } from '../access-token/access-token-claims.js'
import { InvalidTokenError } from '../errors/errors.js'
import type { Rejection } from '../errors/result.js'
import { plainNames, type RevocableKind, type RevocationNames } from './revocation-names.js'

/** One of `jti`, `sub`, `sid` and `clientId`, each compared exactly. */
export interface Revocation {
  /** One token (RFC 7519 §4.1.7). */
  jti?: string
  /** All tokens of a subject. */
  sub?: string
  /** All tokens of a session (OpenID Connect Front-Channel Logout §3). */
  sid?: string
  /** All tokens of a client. */
  clientId?: string
  /**
   * Of this issuer only: its name exactly as tokens have it in `iss`, where Entra's `{tenantid}` is
   * the tenant's own. Required with `sub`, `sid` and `clientId` where several issuers are trusted (an
   * array, `{tenantid}`, or a function as `issuer`): another issuer may use the same value for someone
   * else. Default: the one trusted issuer; with `jti`, every issuer (RFC 7519 §4.1.7).
   */
  issuer?: string
  /**
   * Only tokens issued up to this time (`iat`), in seconds since the epoch; one without `iat` counts
   * as issued before. Default: now, or with `jti` no limit. `iat` is by the issuer's clock: where that
   * may be ahead of ours, give a later time. `Infinity` is for good.
   */
  before?: number
}

export interface RevocationListOptions {
  readonly maxEntries: number
  /** No token is taken that was issued longer ago, in seconds. */
  readonly maxTokenAge: number | undefined
  /** In seconds. */
  readonly clockTolerance: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Default: names for this process alone. */
  readonly names?: RevocationNames
  /** @throws if the revocations of other instances are not loaded yet and no token may be accepted until then. */
  readonly requireLoaded?: () => void
}

/** A revocation as it is handed on. Times in seconds since the epoch. */
export interface CheckedRevocation {
  readonly kind: RevocableKind
  readonly value: string
  readonly issuer: string | undefined
  readonly before: number
  readonly revokedAt: number
}

/** A revocation under the name that it is kept under. Times in seconds since the epoch. */
export interface NamedRevocation extends Entry {
  readonly name: string
}

/** As it is kept. Times in seconds since the epoch. */
interface Entry {
  readonly before: number
  /** No token that it refuses was issued later. */
  readonly lastIssued: number
}

/** A day: more than any issuer's access tokens live by default. */
const USUAL_LIFE = 86_400

export class Revocations {
  readonly #options: RevocationListOptions
  readonly #names: RevocationNames
  readonly #entries = new Map<string, Entry>()
  /** The longest that a token can be taken after it was issued, as far as is known, in seconds. */
  #longestLife: number
  /** The least `lastIssued` of all, or less. */
  #oldest = Number.POSITIVE_INFINITY

  constructor(options: RevocationListOptions) {
    const { maxTokenAge = USUAL_LIFE, clockTolerance } = options
    this.#options = options
    this.#names = options.names ?? plainNames
    // The issuer's clock may be ahead when it issues, and ours behind when it expires.
    this.#longestLife = maxTokenAge + 2 * clockTolerance
  }

  get size(): number {
    return this.#entries.size
  }

  /** The longest that a token can be taken after it was issued, as far as is known, in seconds. */
  get longestLife(): number {
    return this.#longestLife
  }

  /**
   * @returns it as it is in force now.
   * @throws {RangeError} if as many are in force as there is room for.
   */
  add({ kind, value, issuer, before, revokedAt }: CheckedRevocation): NamedRevocation {
    const name = this.#names.of(kind, value, issuer)
    const isNew = !this.#entries.has(name)
    if (isNew && this.#isFull()) this.#requireRoom()
    // A `jti` is that of a token that is there already, however far `before` reaches.
    const lastIssued = kind === 'jti' ? revokedAt : Math.max(revokedAt, before)
    return this.merge({ name, before, lastIssued })
  }

  /** Whether a revocation under this name is in force, with no earlier times. */
  has({ name, before, lastIssued }: NamedRevocation): boolean {
    const known = this.#entries.get(name)
    return known !== undefined && known.before >= before && known.lastIssued >= lastIssued
  }

  /**
   * Takes in what was checked elsewhere, also where there is no room: what was refused there must be
   * refused here.
   */
  merge({ name, before, lastIssued }: NamedRevocation): NamedRevocation {
    const known = this.#entries.get(name)
    // Without local revocations, entries of other instances would accumulate.
    if (known === undefined && this.#isFull()) this.#makeRoom()
    // One that reaches further is never narrowed.
    const entry = {
      before: Math.max(before, known?.before ?? before),
      lastIssued: Math.max(lastIssued, known?.lastIssued ?? lastIssued),
    }
    this.#entries.set(name, entry)
    this.#oldest = Math.min(this.#oldest, lastIssued)
    return { name, ...entry }
  }

  /** Those that a token may still be alive for. */
  *inForce(): Generator<NamedRevocation> {
    const outlived = this.#seconds() - this.#longestLife
    for (const [name, entry] of this.#entries) {
      if (!(entry.lastIssued < outlived)) yield { name, ...entry }
    }
  }

  /**
   * Whether the token was revoked.
   *
   * @throws {StoreUnavailableError} if the revocations are not loaded yet.
   */
  covers(token: AccessToken): boolean {
    if (this.#entries.size > 0) {
      for (const name of this.#names.ofToken(token)) {
        if (this.#refuses(this.#entries.get(name), token.times)) return true
      }
    }
    this.#options.requireLoaded?.()
    return false
  }

  /** Told of each token that is verified, because a revocation must outlive the longest of them. */
  sawToken({ exp, iat }: TokenTimes): void {
    const now = this.#seconds()
    this.#outlive(exp - Math.min(iat ?? now, now))
  }

  #refuses(entry: Entry | undefined, { exp, iat }: TokenTimes): boolean {
    if (entry === undefined) return false
    // Rounded down as our own times are, or a part of a second would make a token a later one.
    if (iat !== undefined && Math.floor(iat) > entry.before) return false
    // A token without `iat` reveals its lifetime only here: extend the retention to cover it.
    this.#outlive(exp - entry.lastIssued)
    return true
  }

  #outlive(life: number): void {
    const { maxTokenAge, clockTolerance } = this.#options
    // Whatever `exp` says, a token isn't taken for longer than that.
    if (maxTokenAge !== undefined) return
    this.#longestLife = Math.max(this.#longestLife, life + 2 * clockTolerance)
  }

  #isFull(): boolean {
    return this.#entries.size >= this.#options.maxEntries
  }

  #makeRoom(): void {
    const outlived = this.#seconds() - this.#longestLife
    // A look at all of them for each revocation that finds no room would be dear.
    if (!(this.#oldest < outlived)) return
    this.#oldest = Number.POSITIVE_INFINITY
    for (const [key, { lastIssued }] of this.#entries) {
      if (lastIssued < outlived) this.#entries.delete(key)
      else this.#oldest = Math.min(this.#oldest, lastIssued)
    }
  }

  #requireRoom(): void {
    this.#makeRoom()
    if (!this.#isFull()) return
    throw new RangeError(
      `there is no room for more than ${this.#options.maxEntries} revocations: raise ` +
        '"revocations.maxEntries", or revoke by "sub" or "clientId" what is revoked one by one',
    )
  }

  #seconds(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}

/** The refusal of a token that was. */
export function revoked(): Rejection {
  return new InvalidTokenError('The access token was revoked', { check: 'revocation' })
}
