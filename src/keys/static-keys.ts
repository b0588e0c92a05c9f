/** Provides static keys from the options, which never become stale and are never fetched. */
import { createSecretKey } from 'node:crypto'
import type { Algorithm, SymmetricAlgorithm } from '../base/algorithms.js'
import { importKeySet, KeySet, type SkippedKey } from './key-set.js'
import type { KeySetStatus, KeySource } from './key-source.js'
import type { VerificationKey } from './verification-key.js'

/**
 * Creates a key source from a static key set.
 *
 * @param onSkipped called with the keys that cannot verify a token, if there are any.
 * @throws {TypeError} if the set has no usable key or more than `maxKeys` keys.
 */
export async function staticKeySet(
  issuer: string,
  jwks: unknown,
  maxKeys: number,
  onSkipped: (skipped: readonly SkippedKey[]) => void = () => {},
): Promise<KeySource> {
  const keys = await importKeySet(jwks, maxKeys)
  if (keys.skipped.length > 0) onSkipped(keys.skipped)
  return new StaticKeys(issuer, keys)
}

/** Creates a key source from a secret shared with the issuer, for HS256, HS384 and HS512 only. */
export function sharedSecret(
  issuer: string,
  secret: Uint8Array,
  algorithms: readonly SymmetricAlgorithm[],
): KeySource {
  const key: VerificationKey = {
    kid: undefined,
    algorithms: new Set(algorithms),
    material: createSecretKey(secret),
    issuer: undefined,
    verifiesInline: true,
    fingerprint: 'shared secret',
  }
  // Ignores the `kid` of the token, because there is only one secret.
  return new StaticKeys(issuer, {
    size: 1,
    find: (algorithm) => (key.algorithms.has(algorithm) ? [key] : []),
    whyNot: () => `a shared secret for ${algorithms.join(', ')} only`,
  })
}

/** Creates an empty key source, for an issuer whose tokens only the issuer itself can verify. */
export function noKeys(issuer: string): KeySource {
  return new StaticKeys(issuer, new KeySet([]))
}

class StaticKeys implements KeySource {
  readonly #issuer: string
  readonly #keys: Pick<KeySet, 'find' | 'size' | 'whyNot'>

  constructor(issuer: string, keys: Pick<KeySet, 'find' | 'size' | 'whyNot'>) {
    this.#issuer = issuer
    this.#keys = keys
  }

  find(algorithm: Algorithm, kid: string | undefined): readonly VerificationKey[] {
    return this.#keys.find(algorithm, kid)
  }

  findNewer(): readonly VerificationKey[] {
    return []
  }

  whyNot(algorithm: Algorithm, kid: string | undefined): string {
    return this.#keys.whyNot(algorithm, kid)
  }

  trusts(): boolean {
    return true
  }

  async refresh(): Promise<void> {}

  status(): KeySetStatus {
    return {
      issuer: this.#issuer,
      state: 'static',
      keys: this.#keys.size,
      ageMs: undefined,
      usableForMs: Number.POSITIVE_INFINITY,
      lastAttemptAt: undefined,
      lastError: undefined,
    }
  }

  async close(): Promise<void> {}
}
