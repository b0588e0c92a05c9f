/** Provides static keys from the options, which never become stale and are never fetched. */
import { createSecretKey } from 'node:crypto'
import type { Algorithm, SymmetricAlgorithm } from '../base/algorithms.js'
import { reject } from '../base/check.js'
import { importKeySet, KeySet, MAX_CANDIDATES, type SkippedKey } from './key-set.js'
import type { KeySetStatus, KeySource } from './key-source.js'
import type { VerificationKey } from './verification-key.js'

/** The keys in the option `jwks.keys`. */
export interface StaticKeySet {
  /** JWKs of the operator, not checked yet. */
  readonly keys: readonly unknown[]
  /** Keys that the operator passed in a form without `kid`, as JWKs. */
  readonly withoutKid?: readonly unknown[]
}

/**
 * Creates a key source from static keys. A key of `withoutKid` is a candidate for each token whose
 * `kid` no JWK has; a JWK without `kid` is a candidate only for tokens without `kid`.
 *
 * @param onSkipped called with the keys that cannot verify a token, if there are any.
 * @throws {TypeError} if the set has no usable key, more than `maxKeys` keys, or more keys without
 *   `kid` than are tried for one token.
 */
export async function staticKeySet(
  issuer: string,
  { keys: jwks, withoutKid = [] }: StaticKeySet,
  maxKeys: number,
  onSkipped: (skipped: readonly SkippedKey[]) => void = () => {},
): Promise<KeySource> {
  if (withoutKid.length > MAX_CANDIDATES) {
    reject(
      'jwks.keys',
      `has ${withoutKid.length} keys that are no JWKs, but at most ${MAX_CANDIDATES} keys are tried for one token: pass JWKs with "kid"`,
    )
  }
  const keys = await importKeySet({ keys: [...jwks, ...withoutKid] }, maxKeys).catch(
    ({ message }: TypeError) => reject('jwks.keys', `is unusable: ${message}`),
  )
  if (keys.skipped.length > 0) onSkipped(keys.skipped)
  if (withoutKid.length === 0) return new StaticKeys(issuer, keys)
  const forAnyKid = (await importKeySet({ keys: withoutKid }, maxKeys)).reuseKeysFrom(keys)
  return new StaticKeys(issuer, {
    size: keys.size,
    find: (algorithm, kid) =>
      keys.hasKid(kid) ? keys.find(algorithm, kid) : forAnyKid.find(algorithm, undefined),
    whyNot: (algorithm, kid) => {
      const reason = keys.whyNot(algorithm, kid)
      return keys.hasKid(kid) ? reason : `${reason}, and no key without "kid" for ${algorithm}`
    },
  })
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

  renew(): void {}

  prefetch(): void {}

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
