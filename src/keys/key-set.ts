/** Reads and indexes the verification keys of one issuer (RFC 7517 §5). A key set is immutable. */
import type { Algorithm } from '../base/algorithms.js'
import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { describe } from '../errors/rejection-reason.js'
import { UnusableKey } from './jwk-members.js'
import { hasPrimeModulus } from './prime-modulus.js'
import { readVerificationKey, type VerificationKey } from './verification-key.js'

/**
 * Maximum number of keys of one set that are tried for one token. There are several candidates only
 * for a token without `kid`, for a `kid` that the set repeats, and for static keys that are no JWKs.
 * Without the maximum, a forged token could cost one verification for each key of the set.
 */
export const MAX_CANDIDATES = 16
const NONE: readonly VerificationKey[] = []

/** A member of a key set that cannot verify a token. */
export interface SkippedKey {
  /** The `kid` of the key, sanitized for logs; `undefined` if absent. */
  readonly kid: string | undefined
  /** Predicate of a message that begins with "the key", such as "is malformed". */
  readonly reason: string
}

export class KeySet {
  readonly #keys: ReadonlySet<VerificationKey>
  /** Members of the set that cannot verify a token, in the order of the set; for operators. */
  readonly skipped: readonly SkippedKey[]
  /**
   * Keys by `kid`, then by algorithm. The entry `undefined` has all keys: for tokens without `kid`.
   */
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

  get keys(): Iterable<VerificationKey> {
    return this.#keys
  }

  get size(): number {
    return this.#keys.size
  }

  has(key: VerificationKey): boolean {
    return this.#keys.has(key)
  }

  /** Whether a key has the `kid`. If `kid` is undefined, returns whether the set has any key. */
  hasKid(kid: string | undefined): boolean {
    return this.#candidates.has(kid)
  }

  /**
   * Returns the keys with the `kid`, for any algorithm. If `kid` is undefined, returns the result
   * of {@link find}.
   */
  named(algorithm: Algorithm, kid: string | undefined): readonly VerificationKey[] {
    if (kid === undefined) return this.find(algorithm, kid)
    return [...(this.#candidates.get(kid)?.values() ?? NONE)].flat()
  }

  /**
   * Returns the keys for the algorithm that have the `kid`, or all keys for the algorithm if `kid`
   * is undefined; at most {@link MAX_CANDIDATES}.
   */
  find(algorithm: Algorithm, kid: string | undefined): readonly VerificationKey[] {
    return this.#candidates.get(kid)?.get(algorithm) ?? NONE
  }

  /**
   * Explains to operators why no key matches a token. The text contains nothing of the token except
   * the algorithm, which is one of the supported names.
   */
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

  /**
   * Returns a set with the key objects of `previous` for unchanged keys, so that the verification
   * results of those keys remain valid.
   */
  reuseKeysFrom(previous: KeySet | undefined): KeySet {
    if (previous === undefined) return this
    const known = new Map([...previous.#keys].map((key) => [key.fingerprint, key]))
    const keys = [...this.#keys].map((key) => known.get(key.fingerprint) ?? key)
    return new KeySet(keys, this.skipped)
  }
}

/**
 * Returns the `kid` of each key of the set that `other` does not have, sanitized for logs; at most
 * ten, and the number of the others.
 */
export function kidsNotIn(set: KeySet, other: KeySet | undefined): readonly string[] {
  const kids = [...set.keys]
    .filter((key) => !other?.has(key))
    .map(({ kid }) => (kid === undefined ? 'without "kid"' : describe(kid)))
  return firstTen(kids)
}

/** Thrown if the key set has more keys than `jwks.maxKeys` allows. */
export class TooManyKeysError extends TypeError {
  constructor(count: number, maxKeys: number) {
    super(`the key set has ${count} keys, more than "jwks.maxKeys" (${maxKeys}) allows`)
  }
}

/**
 * Reads a JWK Set. Skips members that cannot verify a token, as RFC 7517 §5 recommends, so that one
 * unusable key does not make the other keys unusable.
 *
 * @param signal aborts the import, because a malicious set can occupy the thread pool for minutes.
 * @throws {TypeError} if the value is not a JWK Set, or has no usable key.
 * @throws {TooManyKeysError} if the set has more than `maxKeys` members.
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
    throw new TooManyKeysError(members.length, maxKeys)
  }
  const usable: VerificationKey[] = []
  const skipped: SkippedKey[] = []
  // Imports one key at a time, so that a large set does not occupy the whole thread pool.
  for (const jwk of members) {
    signal?.throwIfAborted()
    const key = await readSoundKey(jwk)
    if (key instanceof UnusableKey) skipped.push({ kid: kidOf(jwk), reason: key.reason })
    else usable.push(key)
  }
  if (members.length === 0) throw new TypeError('the key set is empty')
  if (usable.length === 0) {
    const reasons = listOfSkipped(skipped).join('; ')
    throw new TypeError(`no key in the key set can verify a signature: ${reasons}`)
  }
  return new KeySet(usable, skipped)
}

/**
 * Returns one line for each of the first ten skipped keys, and one with the number of the others.
 */
export function listOfSkipped(skipped: readonly SkippedKey[]): readonly string[] {
  return firstTen(skipped.map(({ kid, reason }) => `the key ${kid ?? 'without "kid"'} ${reason}`))
}

const MAX_LISTED = 10

function firstTen(lines: readonly string[]): readonly string[] {
  if (lines.length <= MAX_LISTED) return lines
  return [...lines.slice(0, MAX_LISTED), `${lines.length - MAX_LISTED} more`]
}

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
