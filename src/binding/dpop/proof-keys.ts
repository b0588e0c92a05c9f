/**
 * Imports the public key that each DPoP proof carries (RFC 9449 §4.2). One cache is keyed by
 * header, because most clients send the same header in every proof. The other is keyed by
 * thumbprint, so that a client with changing headers does not cause a key import for each proof.
 */
import type { AsymmetricKeyDetails } from 'node:crypto'
import { type Algorithm, isAsymmetric } from '../../base/algorithms.js'
import { BoundedCache } from '../../base/bounded-cache.js'
import { isJsonObject } from '../../base/json-object.js'
import { ownMember, ownMembers } from '../../base/plain-object.js'
import { thumbprintOf } from '../../base/thumbprint.js'
import { judgeMembers, UnusableKey } from '../../keys/jwk-members.js'
import { importVerificationKey, type VerificationKey } from '../../keys/verification-key.js'
import { decodeCheapObject } from '../../token/compact-serialization.js'
import { invalidProof } from './proof.js'

export interface ProofKey {
  readonly key: VerificationKey
  readonly algorithm: Algorithm
  /** JWK thumbprint (RFC 7638): SHA-256 in base64url. */
  readonly thumbprint: string
}

/** Maximum number of entries of each cache; an entry takes 1 to 2 kB. */
const MAX_ENTRIES = 10_000
/**
 * Maximum length of a cached header, in characters. A header with a 4096-bit RSA key takes about
 * 1,000 characters.
 */
const MAX_HEADER_LENGTH = 2_048

/** The header of a proof, parsed but not verified. */
interface ProofHeader {
  readonly algorithm: Algorithm
  readonly jwk: Readonly<Record<string, unknown>>
}

export class ProofKeys {
  readonly #algorithms: ReadonlySet<Algorithm>
  /** Keyed by header segment, so that a cached header is neither parsed nor validated again. */
  readonly #byHeader = new BoundedCache<string, ProofKey>({ max: MAX_ENTRIES })
  /** Keyed by algorithm and thumbprint, so that a key in different headers is imported once. */
  readonly #byThumbprint = new BoundedCache<string, VerificationKey>({ max: MAX_ENTRIES })

  constructor(algorithms: ReadonlySet<Algorithm>) {
    this.#algorithms = algorithms
  }

  /**
   * Returns the key in the header of a proof.
   *
   * @param requireThumbprint called with the thumbprint before the key is imported. If it throws,
   *   the returned promise rejects with that error.
   * @throws {InvalidDPoPProofError} if the header is invalid, or its key cannot be used for proofs.
   */
  async keyOf(
    headerSegment: string,
    requireThumbprint: (thumbprint: string) => void,
  ): Promise<ProofKey> {
    const cached = this.#byHeader.get(headerSegment)
    if (cached !== undefined) {
      requireThumbprint(cached.thumbprint)
      return cached
    }
    const { algorithm, jwk } = this.#readHeader(headerSegment)
    const thumbprint = thumbprintOf(jwk)
    if (thumbprint === undefined) throw this.#unusable()
    requireThumbprint(thumbprint)
    const key = await this.#import({ ...jwk, alg: ownMember(jwk, 'alg') ?? algorithm }, thumbprint)
    if (key === undefined || !key.algorithms.has(algorithm)) throw this.#unusable()
    return { key, algorithm, thumbprint }
  }

  /**
   * Imports the key; returns `undefined` if it cannot be used. The key is cached before the proof
   * is verified, because it is the key that a verified token is bound to: an attacker cannot fill
   * the cache with forged proofs.
   */
  async #import(
    jwk: Readonly<Record<string, unknown>>,
    thumbprint: string,
  ): Promise<VerificationKey | undefined> {
    // Checked even if the key is cached: the thumbprint does not cover "use", "key_ops" and "alg".
    if (judgeMembers(jwk) instanceof UnusableKey) return undefined
    const name = `${jwk.alg} ${thumbprint}`
    const cached = this.#byThumbprint.get(name)
    if (cached !== undefined) return cached
    const key = await importVerificationKey(jwk)
    if (key === undefined || !isBounded(key)) return undefined
    this.#byThumbprint.set(name, key)
    return key
  }

  /**
   * Caches the key by header. Call this method only for a verified proof, so that forged proofs
   * evict no entry.
   */
  remember(headerSegment: string, key: ProofKey): void {
    if (headerSegment.length > MAX_HEADER_LENGTH || this.#byHeader.has(headerSegment)) return
    // Stores a copy, because a slice would keep the whole proof in memory.
    this.#byHeader.set(Buffer.from(headerSegment, 'latin1').toString('latin1'), key)
  }

  #readHeader(headerSegment: string): ProofHeader {
    const header = decodeCheapObject(headerSegment)
    if (header === undefined) {
      throw invalidProof('The DPoP proof is malformed', 'a header without duplicate members')
    }
    const { typ, alg, jwk } = ownMembers(header)
    if (typeof typ !== 'string' || typ.toLowerCase().replace(/^application\//, '') !== 'dpop+jwt') {
      throw invalidProof('The DPoP proof has the wrong type', '"typ": dpop+jwt')
    }
    if (!isAsymmetric(alg) || !this.#algorithms.has(alg)) {
      const expected = [...this.#algorithms].join(' or ')
      throw invalidProof('The DPoP proof is signed with an algorithm that is not allowed', expected)
    }
    if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
      throw invalidProof('The DPoP proof is malformed', 'neither "crit" nor "b64" in the header')
    }
    if (!isJsonObject(jwk) || PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))) {
      throw this.#unusable()
    }
    return { algorithm: alg, jwk }
  }

  #unusable() {
    const expected = `"jwk": a public key for ${[...this.#algorithms].join(' or ')}; an RSA key has 2048 to 4096 bits`
    return invalidProof('The key of the DPoP proof cannot be used', expected)
  }
}

/** Members of private and symmetric keys: RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2; RFC 9964 §3. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** Whether an RSA key has at most 4096 bits. Clients choose the key, so its cost is limited. */
function isBounded({ material }: VerificationKey): boolean {
  const { modulusLength = 0 } = material.asymmetricKeyDetails as AsymmetricKeyDetails
  return modulusLength <= 4096
}
