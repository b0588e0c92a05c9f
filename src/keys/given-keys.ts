/** Keys that were given in the options, and so neither age nor need a network. */
import { createSecretKey } from 'node:crypto'
import type { Algorithm, SymmetricAlgorithm } from '../algorithms.js'
import { importKeySet, type KeySet } from './key-set.js'
import type { KeySource } from './key-source.js'
import type { VerificationKey } from './verification-key.js'

/**
 * A key set known in advance.
 *
 * @throws {TypeError} if no key of it can be used.
 */
export async function givenKeySet(jwks: unknown, maxKeys: number): Promise<KeySource> {
  return new GivenKeys(await importKeySet(jwks, maxKeys))
}

/** A secret shared with the issuer, for HS256 and its larger sizes, and for nothing else. */
export function sharedSecret(
  secret: Uint8Array,
  algorithms: readonly SymmetricAlgorithm[],
): KeySource {
  const key: VerificationKey = {
    kid: undefined,
    algorithms: new Set(algorithms),
    material: createSecretKey(secret),
    fingerprint: 'shared secret',
  }
  // A secret has no name: whatever `kid` says, it is the only one there is.
  return new GivenKeys({ find: (algorithm) => (key.algorithms.has(algorithm) ? [key] : []) })
}

class GivenKeys implements KeySource {
  readonly #keys: Pick<KeySet, 'find'>

  constructor(keys: Pick<KeySet, 'find'>) {
    this.#keys = keys
  }

  find(algorithm: Algorithm, kid: string | undefined): readonly VerificationKey[] {
    return this.#keys.find(algorithm, kid)
  }

  trusts(): boolean {
    return true
  }

  close(): void {}
}
