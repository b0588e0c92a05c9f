/** The verification keys of one issuer at one time (RFC 7517 §5). Immutable. */
import type { Algorithm } from '../base/algorithms.js'
import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { describe } from '../errors/rejection-reason.js'
import { hasPrimeModulus } from './prime-modulus.js'
import { readVerificationKey, UnusableKey, type VerificationKey } from './verification-key.js'

/**
 * Maximum number of keys tried for one token. Only a token without `kid`, or a set that repeats a
 * `kid`, has several candidates; unbounded, a forged token would cost one verification per key.
 */
const MAX_CANDIDATES = 16
const NONE: readonly VerificationKey[] = []

/** A member of a key set that cannot verify a token. */
export interface SkippedKey {
  /** Its `kid`, in characters that are safe to log; `undefined` if absent. */
  readonly kid: string | undefined
  /** Follows "the key …". */
  readonly reason: string
}

export class KeySet {
  readonly #keys: ReadonlySet<VerificationKey>
  /** For operators, in the order of the set. */
  readonly skipped: readonly SkippedKey[]
  /** Keys by `kid` and algorithm; those of all `kid`s under `undefined`, which is no `kid`. */
  readonly #candidates = new Map<string | undefined, Map<Algorithm, VerificationKey[]>>()

  constructor(keys: readonly VerificationKey[], skipped: readonly SkippedKey[] = []) {
    this.#keys = new Set(keys)
    this.skipped = skipped
    for (const key of keys) {
      this.#index(undefined, key)
      if (key.kid !== undefined) this.#index(key.kid, key)
    }
  }

  #index(kid: string | undefined, key: VerificationKey): void {
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

  /**
   * Returns all keys with the `kid`, for any algorithm; without `kid`, the result of {@link find}.
   */
  named(algorithm: Algorithm, kid: string | undefined): readonly VerificationKey[] {
    if (kid === undefined) return this.find(algorithm, kid)
    return [...(this.#candidates.get(kid)?.values() ?? NONE)].flat()
  }

  /** Returns the keys for the algorithm, limited to the `kid` if the token has one. */
  find(algorithm: Algorithm, kid: string | undefined): readonly VerificationKey[] {
    return this.#candidates.get(kid)?.get(algorithm) ?? NONE
  }

  /** Explains to operators why no key matches a token. Quotes nothing of the token. */
  whyNot(algorithm: Algorithm, kid: string | undefined): string {
    if (kid === undefined) return `no key for ${algorithm}, and no "kid" in the token`
    const named = this.named(algorithm, kid)
    const fitsOthers = [...new Set(named.flatMap((key) => [...key.algorithms]))]
    if (fitsOthers.length > 0) return `a key with this "kid" for ${fitsOthers.join(', ')} only`
    const label = this.skipped.length > 0 ? describe(kid) : ''
    const skipped = this.skipped.find((key) => key.kid === label)
    return skipped === undefined
      ? 'no key with this "kid"'
      : `a key with this "kid" that cannot be used: it ${skipped.reason}`
  }

  /** Keeps the key objects of unchanged keys, so that results verified with them remain valid. */
  reuseKeysFrom(previous: KeySet | undefined): KeySet {
    if (previous === undefined) return this
    const known = new Map([...previous.#keys].map((key) => [key.fingerprint, key]))
    const keys = [...this.#keys].map((key) => known.get(key.fingerprint) ?? key)
    return new KeySet(keys, this.skipped)
  }
}

/**
 * Reads a JWK Set. Skips members that cannot verify a token, as RFC 7517 §5 recommends: one
 * unusable key must not make the others unusable.
 *
 * @param signal aborts the import: a malicious set can occupy the thread pool for minutes.
 * @throws {TypeError} if the value is not a JWK Set, has more than `maxKeys` members or no
 *   usable one.
 */
export async function importKeySet(
  jwks: unknown,
  maxKeys: number,
  signal?: AbortSignal,
): Promise<KeySet> {
  const members = isJsonObject(jwks) ? ownMember(jwks, 'keys') : undefined
  if (!Array.isArray(members)) {
    throw new TypeError('the key set is not a JWK Set (RFC 7517 §5): it has no "keys" array')
  }
  if (members.length > maxKeys) {
    throw new TypeError(`the key set has ${members.length} keys, more than the ${maxKeys} allowed`)
  }
  const usable: VerificationKey[] = []
  const skipped: SkippedKey[] = []
  // Sequential, so that a large set does not occupy the whole thread pool.
  for (const jwk of members) {
    signal?.throwIfAborted()
    const key = await readSoundKey(jwk)
    if (key instanceof UnusableKey) skipped.push({ kid: kidOf(jwk), reason: key.reason })
    else usable.push(key)
  }
  if (usable.length === 0) {
    const reasons = listOfSkipped(skipped).join('; ')
    throw new TypeError(
      `none of the key set's ${skipped.length} keys can verify a signature${reasons && `: ${reasons}`}`,
    )
  }
  return new KeySet(usable, skipped)
}

/** Returns one line per skipped key, and one with the number of keys beyond the limit. */
export function listOfSkipped(skipped: readonly SkippedKey[]): readonly string[] {
  const lines = skipped
    .slice(0, MAX_LISTED)
    .map(({ kid, reason }) => `the key ${kid ?? 'without "kid"'} ${reason}`)
  return skipped.length > MAX_LISTED ? [...lines, `${skipped.length - MAX_LISTED} more`] : lines
}

const MAX_LISTED = 10

async function readSoundKey(jwk: unknown): Promise<VerificationKey | UnusableKey> {
  try {
    const key = await readVerificationKey(jwk)
    if (key instanceof UnusableKey || !(await hasPrimeModulus(key.material))) return key
    return new UnusableKey('has a modulus that is prime, so that anyone can sign with it')
  } catch {
    return new UnusableKey('is malformed')
  }
}

function kidOf(jwk: unknown): string | undefined {
  const kid = isJsonObject(jwk) && Object.hasOwn(jwk, 'kid') ? jwk.kid : undefined
  return typeof kid === 'string' || typeof kid === 'number' ? describe(`${kid}`) : undefined
}
