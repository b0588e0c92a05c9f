import { randomBytes } from 'node:crypto'
import type { UserSubject } from './token-profile.js'

interface Family {
  grant: UserSubject
  revoked: boolean
}

/**
 * Opaque refresh tokens, each for one use; the use of one that was used before ends all that
 * came of the same sign-in (RFC 9700 §4.14.2). They don't expire by time.
 */
export class RefreshTokens {
  readonly #families = new Map<string, Family>()
  readonly #used = new Set<string>()

  /** The first token of a grant. */
  issue(grant: UserSubject): string {
    return this.#add({ grant, revoked: false })
  }

  /** What the token stands for; `undefined` where it is unknown, used, or another client's. */
  find(token: string, clientId: string): UserSubject | undefined {
    const family = this.#families.get(token)
    if (family?.grant.client.clientId !== clientId) return undefined
    if (this.#used.has(token)) family.revoked = true
    return family.revoked ? undefined : family.grant
  }

  /** Uses a token that {@link find} knew, and makes the next one. */
  rotate(token: string): string {
    this.#used.add(token)
    return this.#add(this.#families.get(token) as Family)
  }

  #add(family: Family): string {
    const token = randomBytes(32).toString('base64url')
    this.#families.set(token, family)
    return token
  }
}
