import { createHash } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { BoundedCache } from '../../../base/bounded-cache.js'

const maxTokens = 20_000

/** What the server knows of an access token that it has issued, in either format. */
export interface IssuedToken {
  claims: JWTPayload
  clientId: string
  /** Absent where there is no user, or the token is about another subject. */
  username?: string | undefined
  /** The sign-in that it came of. */
  session: string
  /** The key that a JWT is signed with. */
  kid?: string | undefined
}

/**
 * The access tokens that are issued and not revoked: the latest 20,000, each under its SHA-256. A
 * JWT is known by its every character, so that its signature needs no second look.
 */
export class IssuedTokens {
  readonly #tokens = new BoundedCache<string, IssuedToken>({ max: maxTokens })
  readonly #isPublished: (kid: string) => boolean
  readonly #now: () => number

  /** `isPublished` tells of a key whether it still stands in the key set. */
  constructor(isPublished: (kid: string) => boolean, now: () => number) {
    this.#isPublished = isPublished
    this.#now = now
  }

  add(token: string, issued: IssuedToken): void {
    // As they stand in a token: a copy, without members that are undefined.
    const claims = JSON.parse(JSON.stringify(issued.claims)) as JWTPayload
    this.#tokens.set(digest(token), { ...issued, claims })
  }

  /** The token, also where its time is over. */
  find(token: string): IssuedToken | undefined {
    return this.#tokens.get(digest(token))
  }

  /** The token, where a resource server should take it now (RFC 7662 §4). */
  findActive(token: string): IssuedToken | undefined {
    const issued = this.find(token)
    if (issued === undefined || !isInTime(issued.claims, this.#now() / 1000)) return undefined
    return issued.kid === undefined || this.#isPublished(issued.kid) ? issued : undefined
  }

  /** Answers whether there was such a token. */
  revoke(token: string): boolean {
    return this.#tokens.delete(digest(token))
  }

  /** Revokes all that came of a sign-in. */
  revokeSession(session: string): void {
    for (const [key, issued] of [...this.#tokens.entries()]) {
      if (issued.session === session) this.#tokens.delete(key)
    }
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** Without `exp` a token never expires; one that is no number is no time at all. */
function isInTime({ exp = Infinity, nbf = 0 }: JWTPayload, now: number): boolean {
  return typeof exp === 'number' && typeof nbf === 'number' && nbf <= now && now < exp
}
