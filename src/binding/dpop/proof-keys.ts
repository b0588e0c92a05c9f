/**
 * The keys that clients prove with: each proof carries its own (RFC 9449 §4.2). Two caches, because
 * all proofs of most clients begin with the same characters, and a client whose headers differ must not
 * cost us an import for each proof.
 */
import type { AsymmetricKeyDetails } from 'node:crypto'
import { type Algorithm, isAsymmetric } from '../../base/algorithms.js'
import { BoundedCache } from '../../base/bounded-cache.js'
import { isJsonObject } from '../../base/json-object.js'
import { ownMember, ownMembers } from '../../base/plain-object.js'
import { thumbprintOf } from '../../base/thumbprint.js'
import {
  importVerificationKey,
  judgeMembers,
  UnusableKey,
  type VerificationKey,
} from '../../keys/verification-key.js'
import { decodeCheapObject } from '../../token/compact-serialization.js'
import { invalidProof } from './proof.js'

export interface ProofKey {
  readonly key: VerificationKey
  readonly algorithm: Algorithm
  /** RFC 7638, SHA-256 in base64url. */
  readonly thumbprint: string
}

/** A kilobyte or two each. */
const MAX_ENTRIES = 10_000
/** In characters: that of an RSA key of 4096 bits has 1,000. A longer one is read each time. */
const MAX_HEADER_LENGTH = 2_048

/** The header of a proof as its client sent it, not yet used for anything. */
interface ProofHeader {
  readonly algorithm: Algorithm
  readonly jwk: Readonly<Record<string, unknown>>
}

export class ProofKeys {
  readonly #algorithms: ReadonlySet<Algorithm>
  /** By the header: neither read nor checked again. */
  readonly #known = new BoundedCache<string, ProofKey>({ max: MAX_ENTRIES })
  /** By algorithm and thumbprint: a header that differs each time costs no import. */
  readonly #imported = new BoundedCache<string, VerificationKey>({ max: MAX_ENTRIES })

  constructor(algorithms: ReadonlySet<Algorithm>) {
    this.#algorithms = algorithms
  }

  /**
   * The key of a proof.
   *
   * @param requireThumbprint is given the thumbprint before anything dearer is done with the key.
   * @throws {InvalidDPoPProofError} or rejects with it, if it isn't a key to prove with.
   */
  async keyOf(
    headerSegment: string,
    requireThumbprint: (thumbprint: string) => void,
  ): Promise<ProofKey> {
    const known = this.#known.get(headerSegment)
    if (known !== undefined) {
      requireThumbprint(known.thumbprint)
      return known
    }
    const { algorithm, jwk } = this.#readHeader(headerSegment)
    const thumbprint = thumbprintOf(jwk)
    if (thumbprint === undefined) throw this.#unusable()
    requireThumbprint(thumbprint)
    const key = await this.#import({ ...jwk, alg: ownMember(jwk, 'alg') ?? algorithm }, thumbprint)
    if (key === undefined || !key.algorithms.has(algorithm)) throw this.#unusable()
    return { key, algorithm, thumbprint }
  }

  /** Kept before any proof is verified: only keys that valid tokens are bound to get here. */
  async #import(
    jwk: Readonly<Record<string, unknown>>,
    thumbprint: string,
  ): Promise<VerificationKey | undefined> {
    // The thumbprint leaves out what the key says that it is for.
    if (judgeMembers(jwk) instanceof UnusableKey) return undefined
    const name = `${jwk.alg} ${thumbprint}`
    const known = this.#imported.get(name)
    if (known !== undefined) return known
    const key = await importVerificationKey(jwk)
    if (key === undefined || !isBounded(key)) return undefined
    this.#imported.set(name, key)
    return key
  }

  /** To be called once a proof was verified, so that forged ones evict no header. */
  remember(headerSegment: string, key: ProofKey): void {
    if (headerSegment.length > MAX_HEADER_LENGTH || this.#known.has(headerSegment)) return
    // A slice would keep the whole proof alive that it was cut from.
    this.#known.set(Buffer.from(headerSegment, 'latin1').toString('latin1'), key)
  }

  #readHeader(headerSegment: string): ProofHeader {
    const header = decodeCheapObject(headerSegment)
    if (header === undefined) {
      throw invalidProof('The DPoP proof is malformed', 'a header without duplicate members')
    }
    const { typ, alg, jwk } = ownMembers(header)
    if (typeof typ !== 'string' || typ.toLowerCase().replace(/^application\//, '') !== 'dpop+jwt') {
      throw invalidProof('The DPoP proof is of another type', '"typ": dpop+jwt')
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
    const expected = `"jwk": a public key, RSA of 2048 to 4096 bits, for ${[...this.#algorithms].join(' or ')}`
    return invalidProof('The key of the DPoP proof cannot be used', expected)
  }
}

/** RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** A client chooses its key, and we do the work: a larger one would cost us more than it. */
function isBounded({ material }: VerificationKey): boolean {
  const { modulusLength = 0 } = material.asymmetricKeyDetails as AsymmetricKeyDetails
  return modulusLength <= 4096
}
