/**
 * Nonces for DPoP proofs (RFC 9449 §8, §9). A nonce is a MAC over the time: every instance with the
 * secret creates and accepts the same nonces, and an attacker without it cannot predict one. All
 * clients get the same nonce; the `jti` makes a proof single-use.
 */
import { createHmac } from 'node:crypto'
import { areEqualThumbprints } from '../../base/thumbprint.js'

export interface NoncesOptions {
  /** The first one creates nonces and all accept them, so that a secret can be rotated. */
  readonly secrets: readonly Uint8Array[]
  /** Seconds for which a nonce is the newest (see options.ts). It is accepted for as long again. */
  readonly lifetime: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Period {
  readonly number: number
  readonly newest: string
  readonly accepted: readonly string[]
}

export class Nonces {
  readonly #options: NoncesOptions
  #period: Period | undefined

  constructor(options: NoncesOptions) {
    this.#options = options
  }

  newest(): string {
    return this.#current().newest
  }

  accepts(nonce: string): boolean {
    return this.#current().accepted.some((valid) => areEqualThumbprints(valid, nonce))
  }

  #current(): Period {
    const { lifetime, now, secrets } = this.#options
    const number = Math.floor(now() / 1000 / lifetime)
    if (this.#period?.number === number) return this.#period
    // Includes the next period: another instance's clock may be ahead.
    const accepted = [number, number - 1, number + 1].flatMap((period) =>
      secrets.map((secret) => nonceOf(secret, period, lifetime)),
    )
    this.#period = { number, newest: accepted[0] as string, accepted }
    return this.#period
  }
}

function nonceOf(secret: Uint8Array, period: number, lifetime: number): string {
  return createHmac('sha256', secret).update(`DPoP-Nonce ${lifetime} ${period}`).digest('base64url')
}
