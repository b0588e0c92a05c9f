/**
 * Combines the keys of an issuer with the secret that the issuer signed with before. The algorithm
 * of a token alone decides which of the two sources is used, so the secret never verifies an
 * asymmetric signature, and no key is used as a secret (RFC 8725 §2.1, §3.1).
 */
import { type Algorithm, isSymmetric } from '../base/algorithms.js'
import type { Candidates, KeySetStatus, KeySource } from './key-source.js'
import type { VerificationKey } from './verification-key.js'

export class KeysWithSecret implements KeySource {
  readonly #keys: KeySource
  readonly #secret: KeySource

  constructor(keys: KeySource, secret: KeySource) {
    this.#keys = keys
    this.#secret = secret
  }

  find(
    algorithm: Algorithm,
    kid: string | undefined,
    mayRefetch?: boolean,
  ): Candidates | Promise<Candidates> {
    return this.#sourceFor(algorithm).find(algorithm, kid, mayRefetch)
  }

  findNewer(
    algorithm: Algorithm,
    kid: string | undefined,
    tried: Candidates,
  ): Candidates | Promise<Candidates> {
    return this.#sourceFor(algorithm).findNewer(algorithm, kid, tried)
  }

  whyNot(algorithm: Algorithm, kid: string | undefined): string {
    return this.#sourceFor(algorithm).whyNot(algorithm, kid)
  }

  trusts(key: VerificationKey): boolean {
    return (key.material.type === 'secret' ? this.#secret : this.#keys).trusts(key)
  }

  refresh(): Promise<void> {
    return this.#keys.refresh()
  }

  renew(): void {
    this.#keys.renew()
  }

  prefetch(): void {
    this.#keys.prefetch()
  }

  /** Returns the status of the keys. The secret never changes. */
  status(): KeySetStatus {
    return this.#keys.status()
  }

  close(): Promise<void> {
    return this.#keys.close()
  }

  #sourceFor(algorithm: Algorithm): KeySource {
    return isSymmetric(algorithm) ? this.#secret : this.#keys
  }
}
