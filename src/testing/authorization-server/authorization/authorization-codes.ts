import { BoundedCache } from '../../../base/bounded-cache.js'
import { opaqueToken } from '../tokens/opaque-token.js'
import type { UserSubject } from '../tokens/token-profile.js'

const MAX_CODES = 1_000
/** RFC 6749 §4.1.2 recommends at most 10 minutes. A client redeems a code within seconds. */
const LIFETIME_SECONDS = 60

/** What a user has allowed, and what the client must prove to redeem the code. */
export interface CodeGrant {
  subject: UserSubject
  redirectUri: string
  /** The S256 challenge (RFC 7636); `undefined` if a confidential client sent none. */
  codeChallenge: string | undefined
  /** The thumbprint of the client's DPoP key (RFC 9449 §10); `undefined` if it sent none. */
  dpopJkt: string | undefined
}

/**
 * Issues and stores authorization codes, each of which may be used once, within 60 seconds. If
 * there are more than 1,000, the oldest one is evicted.
 */
export class AuthorizationCodes {
  readonly #codes = new BoundedCache<string, CodeGrant & { expires: number; used: boolean }>({
    max: MAX_CODES,
  })
  readonly #now: () => number
  readonly #onReuse: (session: string) => void

  /**
   * @param now returns the current time, in milliseconds since the epoch.
   * @param onReuse called with the session of a code that its client presents again.
   */
  constructor(now: () => number, onReuse: (session: string) => void) {
    this.#now = now
    this.#onReuse = onReuse
  }

  issue(grant: CodeGrant): string {
    const code = opaqueToken()
    const expires = this.#now() + LIFETIME_SECONDS * 1000
    this.#codes.set(code, { ...grant, expires, used: false })
    return code
  }

  /**
   * Returns what the code was issued for, and marks the code as used, even if the caller then
   * rejects the request. Returns `undefined` if the code is unknown, has expired, was issued to
   * another client or was already used (RFC 6749 §4.1.2).
   */
  use(code: string, clientId: string): CodeGrant | undefined {
    const found = this.#codes.get(code)
    if (found?.subject.client.clientId !== clientId) return undefined
    if (found.used) {
      this.#onReuse(found.subject.session)
      return undefined
    }
    found.used = true
    return this.#now() < found.expires ? found : undefined
  }
}
