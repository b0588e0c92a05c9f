/**
 * The nonces of DPoP proofs (RFC 9449 §8, §9): a MAC over the time, so that every instance that has
 * the secret makes and accepts the same ones, and nobody without it can make one beforehand. All
 * clients get the same; a proof is single-use by its `jti`.
 */
import { createHmac } from 'node:crypto'
import { areEqualThumbprints } from '../../base/thumbprint.js'

export interface NoncesOptions {
  /** The first one makes, all accept, so that a secret can be changed while instances run. */
  readonly secrets: readonly Uint8Array[]
  /** How long one is the newest, in seconds. It is accepted for as long again. */
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
    return this.#current().accepted.some((one) => areEqualThumbprints(one, nonce))
  }

  #current(): Period {
    const { lifetime, now, secrets } = this.#options
    const number = Math.floor(now() / 1000 / lifetime)
    if (this.#period?.number === number) return this.#period
    // The next one as well: another instance's clock may be ahead.
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
