/**
 * Tokens already verified, so that one seen before costs a look-up.
 *
 * Only successes are kept, and a hit is no verdict yet: whoever asks compares the time and the
 * trust in the key again.
 */
import { LRUCache } from 'lru-cache'
import type { AccessToken } from '../access-token.js'
import type { Issuer } from '../issuer/issuer.js'
import type { VerificationKey } from '../keys/verification-key.js'

/** A success, and what it rests on. */
export interface Verdict {
  readonly token: AccessToken
  readonly issuer: Issuer
  readonly key: VerificationKey
}

export interface VerifiedTokensOptions {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** The token as text, parsed, and the objects around it: 3 to 4 times its length, measured. */
const BYTES_PER_CHARACTER = 4
const BYTES_PER_ENTRY = 1_024

export class VerifiedTokens {
  readonly #verdicts: LRUCache<string, Verdict>

  constructor({ maxEntries, maxBytes }: VerifiedTokensOptions) {
    this.#verdicts = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes,
      sizeCalculation: ({ token }) => BYTES_PER_ENTRY + token.raw.length * BYTES_PER_CHARACTER,
    })
  }

  get(raw: string): Verdict | undefined {
    const verdict = this.#verdicts.get(tail(raw))
    return verdict?.token.raw === raw ? verdict : undefined
  }

  add(verdict: Verdict): void {
    this.#verdicts.set(tail(verdict.token.raw), verdict)
  }
}

/**
 * The end of the signature: as good as random, so a look-up hashes 43 characters and not 900. The
 * whole token is compared after that. Nobody can crowd the map, because only tokens that an issuer
 * signed are in it.
 */
function tail(raw: string): string {
  return raw.slice(-43)
}
