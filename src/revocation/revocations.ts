/**
 * Tokens that this API no longer takes, whatever their issuer says: by their `jti`, or all that one
 * subject, session or client got up to a time.
 *
 * Nothing is ever forgotten to make room, as a revocation that is lost lets somebody in: where there
 * is no room, {@link Revocations.add} throws. It goes when no token that it refuses can be alive.
 */
import type { AccessToken } from '../access-token.js'
import { InvalidTokenError } from '../errors.js'

/** What a revocation can name. */
export const REVOCABLE_KINDS = ['jti', 'sub', 'sid', 'clientId'] as const

export type RevocableKind = (typeof REVOCABLE_KINDS)[number]

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
  /** Of this issuer only. Default: of every issuer, which is the safe side for a `jti` or a `sub`. */
  issuer?: string
  /**
   * Only tokens issued up to this time (`iat`), in seconds since the epoch; one without `iat` counts
   * as issued before. Default: now, or with `jti` no limit.
   */
  before?: number
}

export interface RevocationsOptions {
  readonly maxEntries: number
  /** The longest that a token can live, in seconds. */
  readonly longestLife: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Entry {
  /** Seconds since the epoch. */
  readonly before: number
  /** Seconds since the epoch. */
  readonly revokedAt: number
}

/** A revocation as it is kept and handed on. */
export interface CheckedRevocation extends Entry {
  readonly kind: RevocableKind
  readonly value: string
  readonly issuer: string | undefined
}

export class Revocations {
  readonly #options: RevocationsOptions
  readonly #entries = new Map<string, Entry>()
  /** The longest life of a token so far, in seconds. */
  #longestLife: number

  constructor(options: RevocationsOptions) {
    this.#options = options
    this.#longestLife = options.longestLife
  }

  get size(): number {
    return this.#entries.size
  }

  /** @throws {RangeError} if as many are in force as there is room for. */
  add({ kind, value, issuer, before, revokedAt }: CheckedRevocation): void {
    const key = keyOf(kind, value, issuer)
    const known = this.#entries.get(key)
    if (known === undefined && this.#entries.size >= this.#options.maxEntries) this.#makeRoom()
    // By age, so that the oldest is the first; one that reaches further is never narrowed.
    this.#entries.delete(key)
    this.#entries.set(key, {
      before: Math.max(before, known?.before ?? Number.NEGATIVE_INFINITY),
      revokedAt: Math.max(revokedAt, known?.revokedAt ?? Number.NEGATIVE_INFINITY),
    })
  }

  /** Whether the token was revoked. */
  covers(token: AccessToken): boolean {
    if (this.#entries.size === 0) return false
    const { claims, issuer, clientId, issuedAt } = token
    return (
      this.#covers('jti', claims.jti, issuer, issuedAt) ||
      this.#covers('sub', claims.sub, issuer, issuedAt) ||
      this.#covers('sid', claims.sid, issuer, issuedAt) ||
      this.#covers('clientId', clientId, issuer, issuedAt)
    )
  }

  /** Told of each token that is verified, because a revocation must outlive the longest of them. */
  sawTokenUntil(expiresAt: number): void {
    const life = expiresAt - this.#seconds()
    if (life > this.#longestLife) this.#longestLife = life
  }

  #covers(kind: RevocableKind, value: unknown, issuer: string, issuedAt = -Infinity): boolean {
    if (typeof value !== 'string') return false
    const ofAny = this.#entries.get(keyOf(kind, value, undefined))
    const ofThis = this.#entries.get(keyOf(kind, value, issuer))
    return (
      (ofAny !== undefined && issuedAt <= ofAny.before) ||
      (ofThis !== undefined && issuedAt <= ofThis.before)
    )
  }

  #makeRoom(): void {
    const outlived = this.#seconds() - this.#longestLife
    for (const [key, { revokedAt }] of this.#entries) {
      if (revokedAt >= outlived) break
      this.#entries.delete(key)
    }
    if (this.#entries.size < this.#options.maxEntries) return
    throw new RangeError(
      `there is no room for more than ${this.#options.maxEntries} revocations: raise ` +
        '"revocations.maxEntries", or revoke by "sub" or "clientId" what is revoked one by one',
    )
  }

  #seconds(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}

/** @throws {InvalidTokenError} if it was. */
export function requireNotRevoked(revoked: boolean): void {
  if (!revoked) return
  throw new InvalidTokenError('The access token was revoked', { check: 'revocation' })
}

/** No value can be taken for another kind's, or for one with an issuer. */
function keyOf(kind: RevocableKind, value: string, issuer: string | undefined): string {
  return issuer === undefined ? `${kind} ${value}` : `${kind}@${issuer} ${value}`
}
