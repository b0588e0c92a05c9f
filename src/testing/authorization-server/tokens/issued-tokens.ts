import { createHash } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { BoundedCache } from '../../../base/bounded-cache.js'
import type { TokenSubject } from './token-profile.js'

const MAX_TOKENS = 20_000

/** The stored data of an issued access token, a JWT or an opaque token. */
export interface IssuedToken {
  claims: JWTPayload
  clientId: string
  /** The user of the token. Absent if there is no user, or the test overrode `sub`. */
  username?: string | undefined
  /** The client, the user and the scope of the grant, also if the test overrode claims. */
  subject: TokenSubject
  /** The id of the sign-in for which the token was issued. */
  session: string
  /** The `kid` of the key that signed the token. Absent for an opaque token. */
  kid?: string | undefined
}

/**
 * Stores the access tokens that were issued and not revoked. If there are more than 20,000, the
 * least recently used token is evicted.
 *
 * Tokens are looked up by the SHA-256 hash of the whole token, including its signature. Therefore a
 * token that is found needs no signature verification.
 */
export class IssuedTokens {
  readonly #tokens = new BoundedCache<string, IssuedToken>({ max: MAX_TOKENS })
  readonly #isPublished: (kid: string) => boolean
  readonly #now: () => number

  /**
   * @param isPublished returns whether the key set still contains the key with this `kid`.
   * @param now returns the current time, in milliseconds since the epoch.
   */
  constructor(isPublished: (kid: string) => boolean, now: () => number) {
    this.#isPublished = isPublished
    this.#now = now
  }

  add(token: string, issued: IssuedToken): void {
    // The claims are stored as the token contains them: serialization drops members that are
    // `undefined`.
    const claims = JSON.parse(JSON.stringify(issued.claims)) as JWTPayload
    this.#tokens.set(digest(token), { ...issued, claims })
  }

  /** Returns the token, even if it has expired; `undefined` if it is unknown or revoked. */
  find(token: string): IssuedToken | undefined {
    return this.#tokens.get(digest(token))
  }

  /**
   * Returns the token if it is active (RFC 7662 §4): known, not revoked, currently valid by its
   * `exp` and `nbf`, and, for a JWT, signed with a key that is still published. Otherwise returns
   * `undefined`.
   */
  findActive(token: string): IssuedToken | undefined {
    const issued = this.find(token)
    if (issued === undefined || !isInTime(issued.claims, this.#now() / 1000)) return undefined
    return issued.kid === undefined || this.#isPublished(issued.kid) ? issued : undefined
  }

  /** Revokes a token, and returns whether the token existed. */
  revoke(token: string): boolean {
    return this.#tokens.delete(digest(token))
  }

  /** Revokes all access tokens of the sign-ins. */
  revokeSessions(sessions: ReadonlySet<string>): void {
    for (const [key, issued] of [...this.#tokens.entries()]) {
      if (sessions.has(issued.session)) this.#tokens.delete(key)
    }
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/**
 * Whether a token is valid at the time `now`, in seconds since the epoch. A token without `exp`
 * never expires. A token whose `exp` or `nbf` is not a number is never valid.
 */
function isInTime({ exp = Infinity, nbf = 0 }: JWTPayload, now: number): boolean {
  return typeof exp === 'number' && typeof nbf === 'number' && nbf <= now && now < exp
}
