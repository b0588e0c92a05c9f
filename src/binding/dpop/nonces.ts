/**
 * Creates and checks nonces for DPoP proofs (RFC 9449 §8, §9). A nonce is a MAC over the number of
 * the current period: instances with the same secrets and lifetime create and accept the same
 * nonces, and an attacker without a secret cannot predict one. All clients get the same nonce; the
 * replay cache makes a proof single-use, by its `jti`.
 */
import { createHmac } from 'node:crypto'
import { areEqualThumbprints } from '../../base/thumbprint.js'

export interface NoncesOptions {
  /**
   * Nonces are derived from the first secret. Nonces that were derived from any of the secrets are
   * accepted, so that secrets can be rotated.
   */
  readonly secrets: readonly Uint8Array[]
  /**
   * Period in which all clients get the same nonce, in seconds. The nonce is accepted in that
   * period and the next.
   */
  readonly lifetime: number
  /** Returns the current time, in milliseconds since the epoch. */
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
    // Includes the next period, because the clock of another instance may be ahead.
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
