/**
 * Computes the keys of the caches: HMAC-SHA-256 with a random key of this process, so that not even
 * an issuer can craft tokens with colliding or predictable keys.
 */
import { createHmac, randomBytes } from 'node:crypto'

export class Fingerprints {
  readonly #key = randomBytes(32)

  /** Returns the fingerprint of the parts. JSON separates the parts unambiguously. */
  of(parts: readonly unknown[]): string {
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest('base64url')
  }
}
