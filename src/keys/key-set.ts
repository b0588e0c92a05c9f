/** The verification keys of one issuer at one time (RFC 7517 §5). Immutable. */
import type { Algorithm } from '../algorithms.js'
import { isJsonObject } from '../json-object.js'
import { importVerificationKey, type VerificationKey } from './verification-key.js'

/**
 * How many keys are tried for one token. Only a token without `kid`, or a set with one `kid` many
 * times over, comes near it; without a bound each forged one would cost a verification a key.
 */
const MAX_CANDIDATES = 16
const NONE: readonly VerificationKey[] = []

export class KeySet {
  readonly #keys: ReadonlySet<VerificationKey>
  /** A `kid`'s keys by algorithm; under `undefined`, where no token can name it, those of all. */
  readonly #candidates = new Map<string | undefined, Map<Algorithm, VerificationKey[]>>()

  constructor(keys: readonly VerificationKey[]) {
    this.#keys = new Set(keys)
    for (const key of keys) {
      this.#file(undefined, key)
      if (key.kid !== undefined) this.#file(key.kid, key)
    }
  }

  #file(kid: string | undefined, key: VerificationKey): void {
    const byAlgorithm = this.#candidates.get(kid) ?? new Map<Algorithm, VerificationKey[]>()
    for (const algorithm of key.algorithms) {
      const candidates = byAlgorithm.get(algorithm) ?? []
      if (candidates.length < MAX_CANDIDATES) byAlgorithm.set(algorithm, [...candidates, key])
    }
    this.#candidates.set(kid, byAlgorithm)
  }

  get size(): number {
    return this.#keys.size
  }

  has(key: VerificationKey): boolean {
    return this.#keys.has(key)
  }

  /** All keys of that `kid`, whatever their algorithms; without one, the {@link find} candidates. */
  named(algorithm: Algorithm, kid: string | undefined): readonly VerificationKey[] {
    if (kid === undefined) return this.find(algorithm, kid)
    return [...(this.#candidates.get(kid)?.values() ?? NONE)].flat()
  }

  /** The keys that may have signed: of that `kid` if there is one, and fit for the algorithm. */
  find(algorithm: Algorithm, kid: string | undefined): readonly VerificationKey[] {
    return this.#candidates.get(kid)?.get(algorithm) ?? NONE
  }

  /** The same key as before where it stayed, so that verdicts reached with it stay good. */
  keepIdentityOf(previous: KeySet | undefined): KeySet {
    if (previous === undefined) return this
    const known = new Map([...previous.#keys].map((key) => [key.fingerprint, key]))
    return new KeySet([...this.#keys].map((key) => known.get(key.fingerprint) ?? key))
  }
}

/**
 * Reads a JWK Set. Members that can't verify a token are skipped, as RFC 7517 §5 asks; one bad key
 * doesn't spoil the set.
 *
 * @throws {TypeError} if it isn't a JWK Set, has more than `maxKeys` members, or no usable one.
 */
export async function importKeySet(jwks: unknown, maxKeys: number): Promise<KeySet> {
  if (!isJsonObject(jwks) || !Array.isArray(jwks.keys)) {
    throw new TypeError('the answer is not a JWK Set: it has no "keys" array')
  }
  if (jwks.keys.length > maxKeys) {
    throw new TypeError(
      `the key set has ${jwks.keys.length} keys, more than the ${maxKeys} allowed`,
    )
  }
  const keys = await Promise.allSettled(jwks.keys.map(importVerificationKey))
  const usable = keys.flatMap((one) => (one.status === 'fulfilled' && one.value) || [])
  if (usable.length === 0) {
    throw new TypeError(`none of the key set's ${keys.length} keys can verify a signature`)
  }
  return new KeySet(usable)
}
