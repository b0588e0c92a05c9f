import { BoundedCache } from '../../../base/bounded-cache.js'
import { opaqueToken } from './opaque-token.js'
import type { UserSubject } from './token-profile.js'

const maxTokens = 20_000

interface RefreshToken {
  grant: UserSubject
  used: boolean
  /** The key that its use has to prove. */
  jkt: string | undefined
}

/**
 * Opaque refresh tokens, each for one use; the use of one that was used before ends all that came
 * of the same sign-in (RFC 9700 §4.14.2). They don't expire by time; the latest 20,000 are kept.
 */
export class RefreshTokens {
  readonly #tokens = new BoundedCache<string, RefreshToken>({ max: maxTokens })
  readonly #onEnd: (session: string) => void

  /** `onEnd` is told of each sign-in that ends. */
  constructor(onEnd: (session: string) => void) {
    this.#onEnd = onEnd
  }

  /** The first token of a grant, bound to a key where its thumbprint is given. */
  issue(grant: UserSubject, jkt: string | undefined): string {
    const token = opaqueToken()
    this.#tokens.set(token, { grant, used: false, jkt })
    return token
  }

  /**
   * What the token stands for; `undefined` where it is unknown, used, another client's, or bound to
   * another key than the one that was proven.
   */
  find(token: string, clientId: string, proven: string | undefined): UserSubject | undefined {
    const found = this.#tokens.get(token)
    if (found?.grant.client.clientId !== clientId) return undefined
    if (found.jkt !== undefined && found.jkt !== proven) return undefined
    if (!found.used) return found.grant
    this.revoke(token)
    return undefined
  }

  /** Uses a token that {@link find} knew, and makes the next one. */
  rotate(token: string, jkt: string | undefined): string {
    const current = this.#tokens.get(token) as RefreshToken
    current.used = true
    return this.issue(current.grant, jkt)
  }

  /** The client to which a token was issued, used or not. */
  clientIdOf(token: string): string | undefined {
    return this.#tokens.get(token)?.grant.client.clientId
  }

  /** Ends the sign-in that the token came of. Answers whether there was such a token. */
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
