import { createHash } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { BoundedCache } from '../../../base/bounded-cache.js'

const MAX_TOKENS = 20_000

/** What the server stores about an issued access token of either format. */
export interface IssuedToken {
  claims: JWTPayload
  clientId: string
  /** Absent if there is no user, or `sub` was overridden. */
  username?: string | undefined
  /** The sign-in that the token was issued for. */
  session: string
  /** The `kid` of the key that signed a JWT. */
  kid?: string | undefined
}

/**
 * The access tokens that were issued and not revoked: the latest 20,000, keyed by their SHA-256.
 * The hash covers the whole JWT, so its signature needs no further verification.
 */
export class IssuedTokens {
  readonly #tokens = new BoundedCache<string, IssuedToken>({ max: MAX_TOKENS })
  readonly #isPublished: (kid: string) => boolean
  readonly #now: () => number

  /**
   * @param isPublished whether a key is still in the key set.
   * @param now the clock, in milliseconds since the epoch.
   */
  constructor(isPublished: (kid: string) => boolean, now: () => number) {
    this.#isPublished = isPublished
    this.#now = now
  }

  add(token: string, issued: IssuedToken): void {
    // Copied as serialized in the token, without members that are undefined.
    const claims = JSON.parse(JSON.stringify(issued.claims)) as JWTPayload
    this.#tokens.set(digest(token), { ...issued, claims })
  }

  /** Returns the token, even if it has expired. */
  find(token: string): IssuedToken | undefined {
    return this.#tokens.get(digest(token))
  }

  /** Returns the token if a resource server should accept it now (RFC 7662 §4). */
  findActive(token: string): IssuedToken | undefined {
    const issued = this.find(token)
    if (issued === undefined || !isInTime(issued.claims, this.#now() / 1000)) return undefined
    return issued.kid === undefined || this.#isPublished(issued.kid) ? issued : undefined
  }

  /** Revokes a token; returns whether it existed. */
  revoke(token: string): boolean {
    return this.#tokens.delete(digest(token))
  }

  /** Revokes all tokens of a sign-in. */
  revokeSession(session: string): void {
    for (const [key, issued] of [...this.#tokens.entries()]) {
      if (issued.session === session) this.#tokens.delete(key)
    }
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** A token without `exp` never expires; one whose `exp` or `nbf` is not a number is never valid. */
function isInTime({ exp = Infinity, nbf = 0 }: JWTPayload, now: number): boolean {
  return typeof exp === 'number' && typeof nbf === 'number' && nbf <= now && now < exp
}
