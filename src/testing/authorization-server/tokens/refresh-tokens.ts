import { BoundedCache } from '../../../base/bounded-cache.js'
import { opaqueToken } from './opaque-token.js'
import type { UserSubject } from './token-profile.js'

const MAX_TOKENS = 20_000

interface RefreshToken {
  grant: UserSubject
  used: boolean
  /** The thumbprint of the key that the client must prove to use the token. */
  jkt: string | undefined
}

/**
 * Opaque single-use refresh tokens. Reusing one revokes all tokens of the same sign-in
 * (RFC 9700 §4.14.2). They do not expire by time; the latest 20,000 are kept.
 */
export class RefreshTokens {
  readonly #tokens = new BoundedCache<string, RefreshToken>({ max: MAX_TOKENS })
  readonly #onEnd: (session: string) => void

  /** @param onEnd called with each sign-in that is revoked. */
  constructor(onEnd: (session: string) => void) {
    this.#onEnd = onEnd
  }

  /** Issues the first refresh token of a grant, bound to a key if its thumbprint is given. */
  issue(grant: UserSubject, jkt: string | undefined): string {
    const token = opaqueToken()
    this.#tokens.set(token, { grant, used: false, jkt })
    return token
  }

  /**
   * Returns the grant of a token; `undefined` if the token is unknown, used, of another client, or
   * bound to another key than the proven one.
   */
  find(token: string, clientId: string, proven: string | undefined): UserSubject | undefined {
    const found = this.#tokens.get(token)
    if (found?.grant.client.clientId !== clientId) return undefined
    if (found.jkt !== undefined && found.jkt !== proven) return undefined
    if (!found.used) return found.grant
    this.revoke(token)
    return undefined
  }

  /** Marks a token that {@link find} returned as used, and issues the next one. */
  rotate(token: string, jkt: string | undefined): string {
    const current = this.#tokens.get(token) as RefreshToken
    current.used = true
    return this.issue(current.grant, jkt)
  }

  /** Returns the client to which a token was issued, used or not. */
  clientIdOf(token: string): string | undefined {
    return this.#tokens.get(token)?.grant.client.clientId
  }

  /** Revokes the sign-in of the token; returns whether the token existed. */
  revoke(token: string): boolean {
    const session = this.#tokens.get(token)?.grant.session
    if (session === undefined) return false
    for (const [key, { grant }] of [...this.#tokens.entries()]) {
      if (grant.session === session) this.#tokens.delete(key)
    }
    this.#onEnd(session)
    return true
  }
}
