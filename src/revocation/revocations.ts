/**
 * Tokens that this API no longer takes, whatever their issuer says: by their `jti`, or all that one
 * subject, session or client got up to a time.
 *
 * Nothing is ever forgotten to make room, as a revocation that is lost lets somebody in: where there
 * is no room, {@link Revocations.add} throws. It goes when no token that it refuses can be alive.
 */
import type { AccessToken } from '../access-token.js'
import type { AccessTokenClaims } from '../access-token-claims.js'
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
  /**
   * Of this issuer only: its name exactly as tokens have it in `iss`, where Entra's `{tenantid}` is
   * the tenant's own. Default: of every issuer, which is the safe side for a `jti` or a `sub`.
   */
  issuer?: string
  /**
   * Only tokens issued up to this time (`iat`), in seconds since the epoch; one without `iat` counts
   * as issued before. Default: now, or with `jti` no limit. `iat` is by the issuer's clock: where that
   * may be ahead of ours, give a later time. `Infinity` is for good.
   */
  before?: number
}

export interface RevocationsOptions {
  readonly maxEntries: number
  /** No token is taken that was issued longer ago, in seconds. */
  readonly maxTokenAge: number | undefined
  /** In seconds. */
  readonly clockTolerance: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** A revocation as it is handed on. Times in seconds since the epoch. */
export interface CheckedRevocation {
  readonly kind: RevocableKind
  readonly value: string
  readonly issuer: string | undefined
  readonly before: number
  readonly revokedAt: number
}

/** As it is kept. Times in seconds since the epoch. */
interface Entry {
  readonly before: number
  /** No token that it refuses was issued later. */
  readonly lastIssued: number
}

/** A day: more than any issuer's access tokens live unless somebody changed it. */
const USUAL_LIFE = 86_400

export class Revocations {
  readonly #options: RevocationsOptions
  readonly #entries = new Map<string, Entry>()
  /** The longest that a token can be taken after it was issued, as far as is known, in seconds. */
  #longestLife: number
  /** The least `lastIssued` of all, or less. */
  #oldest = Number.POSITIVE_INFINITY

  constructor(options: RevocationsOptions) {
    const { maxTokenAge = USUAL_LIFE, clockTolerance } = options
    this.#options = options
    // The issuer's clock may be ahead when it issues, and ours behind when it expires.
    this.#longestLife = maxTokenAge + 2 * clockTolerance
  }

  get size(): number {
    return this.#entries.size
  }

  /** @throws {RangeError} if as many are in force as there is room for. */
  add({ kind, value, issuer, before, revokedAt }: CheckedRevocation): void {
    const key = keyOf(kind, value, issuer)
    const known = this.#entries.get(key)
    if (known === undefined && this.#entries.size >= this.#options.maxEntries) this.#makeRoom()
    // A `jti` is that of a token that is there already, however far `before` reaches.
    const lastIssued = kind === 'jti' ? revokedAt : Math.max(revokedAt, before)
    // One that reaches further is never narrowed.
    this.#entries.set(key, {
      before: Math.max(before, known?.before ?? before),
      lastIssued: Math.max(lastIssued, known?.lastIssued ?? lastIssued),
    })
    this.#oldest = Math.min(this.#oldest, lastIssued)
  }

  /** Whether the token was revoked. */
  covers(token: AccessToken): boolean {
    if (this.#entries.size === 0) return false
    const { claims, clientId } = token
    return (
      this.#covers('jti', claims.jti, claims) ||
      this.#covers('sub', claims.sub, claims) ||
      this.#covers('sid', claims.sid, claims) ||
      this.#covers('clientId', clientId, claims)
    )
  }

  /** Told of each token that is verified, because a revocation must outlive the longest of them. */
  sawToken({ exp, iat }: AccessTokenClaims): void {
    const now = this.#seconds()
    this.#outlive(exp - Math.min(iat ?? now, now))
  }

  #covers(kind: RevocableKind, value: unknown, claims: AccessTokenClaims): boolean {
    if (typeof value !== 'string') return false
    return (
      this.#refuses(this.#entries.get(keyOf(kind, value, undefined)), claims) ||
      this.#refuses(this.#entries.get(keyOf(kind, value, claims.iss)), claims)
    )
  }

  #refuses(entry: Entry | undefined, { exp, iat }: AccessTokenClaims): boolean {
    if (entry === undefined) return false
    // Rounded down as our own times are, or a part of a second would make a token a later one.
    if (iat !== undefined && Math.floor(iat) > entry.before) return false
    // Nothing else may tell how long a token lives that was issued nobody knows when.
    this.#outlive(exp - entry.lastIssued)
    return true
  }

  #outlive(life: number): void {
    const { maxTokenAge, clockTolerance } = this.#options
    // Whatever `exp` says, a token isn't taken for longer than that.
    if (maxTokenAge !== undefined) return
    this.#longestLife = Math.max(this.#longestLife, life + 2 * clockTolerance)
  }

  #makeRoom(): void {
    const outlived = this.#seconds() - this.#longestLife
    // A look at all of them for each refused revocation would be dear.
    if (this.#oldest < outlived) {
      this.#oldest = Number.POSITIVE_INFINITY
      for (const [key, { lastIssued }] of this.#entries) {
        if (lastIssued < outlived) this.#entries.delete(key)
        else this.#oldest = Math.min(this.#oldest, lastIssued)
      }
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
