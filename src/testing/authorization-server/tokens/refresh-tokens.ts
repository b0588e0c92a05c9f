import { BoundedCache } from '../../../base/bounded-cache.js'
import { opaqueToken } from './opaque-token.js'
import type { TokenProfile, UserSubject } from './token-profile.js'

const MAX_TOKENS = 20_000

interface RefreshToken {
  grant: UserSubject
  used: boolean
  /** The thumbprint of the key to which the token is bound; `undefined` if it is not bound. */
  jkt: string | undefined
}

/**
 * Issues and stores refresh tokens, each of which may be used once. If a client uses a token
 * again, all access and refresh tokens of that sign-in are revoked (RFC 9700 §4.14.2). Refresh
 * tokens do not expire. If there are more than 20,000, the least recently used token is evicted.
 */
export class RefreshTokens {
  readonly #tokens = new BoundedCache<string, RefreshToken>({ max: MAX_TOKENS })
  readonly #profile: TokenProfile
  readonly #onEnd: (sessions: ReadonlySet<string>) => void

  /** @param onEnd called with the ids of the sign-ins that are revoked. */
  constructor(profile: TokenProfile, onEnd: (sessions: ReadonlySet<string>) => void) {
    this.#profile = profile
    this.#onEnd = onEnd
  }

  /**
   * Issues the first refresh token of a grant, and returns it.
   *
   * @param jkt the thumbprint of the key to which the token is bound; `undefined` leaves it
   *   unbound.
   */
  issue(grant: UserSubject, jkt: string | undefined): string {
    const token = this.#profile.refreshToken?.(grant) ?? opaqueToken()
    this.#tokens.set(token, { grant, used: false, jkt })
    return token
  }

  /**
   * Returns the grant of a token; `undefined` if the token is unknown, was issued to another
   * client, is bound to another key or was already used. Reuse by the right client, with the right
   * key, revokes all tokens of the sign-in.
   *
   * @param proven the thumbprint of the key that signed the DPoP proof; `undefined` without a
   *   proof.
   */
  find(token: string, clientId: string, proven: string | undefined): UserSubject | undefined {
    const found = this.#tokens.get(token)
    if (found?.grant.client.clientId !== clientId) return undefined
    if (found.jkt !== undefined && found.jkt !== proven) return undefined
    if (!found.used) return found.grant
    this.revoke(token)
    return undefined
  }

  /**
   * Marks a token as used, and returns the next token of its grant. {@link find} must have returned
   * the grant of the token.
   */
  rotate(token: string, jkt: string | undefined): string {
    const current = this.#tokens.get(token) as RefreshToken
    current.used = true
    return this.issue(current.grant, jkt)
  }

  /** Returns the id of the token's client; `undefined` if the token is unknown. */
  clientIdOf(token: string): string | undefined {
    return this.#tokens.get(token)?.grant.client.clientId
  }

  /** Revokes all tokens of the sign-in of the token, and returns whether the token existed. */
  revoke(token: string): boolean {
    const session = this.#tokens.get(token)?.grant.session
    if (session === undefined) return false
    this.endSessions([session])
    return true
  }

  /** Revokes all tokens of the sign-ins. */
  endSessions(ids: readonly string[]): void {
    const sessions = new Set(ids)
    for (const [key, { grant }] of [...this.#tokens.entries()]) {
      if (sessions.has(grant.session)) this.#tokens.delete(key)
    }
    this.#onEnd(sessions)
  }
}
