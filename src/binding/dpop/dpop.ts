/**
 * Verifies DPoP proofs (RFC 9449): the caller must hold the key that the token is bound to. The
 * checks of §4.3 run cheapest first. The replay cache is checked last, so that an attacker with an
 * invalid proof cannot record the `jti` of a valid proof.
 */
import type { Algorithm } from '../../base/algorithms.js'
import { areEqualThumbprints } from '../../base/thumbprint.js'
import { InvalidTokenError, UseDPoPNonceError } from '../../errors/errors.js'
import { publish } from '../../observability/diagnostics.js'
import { isSignedBy } from '../../token/signature.js'
import type { Presentation } from '../presentation.js'
import type { Nonces } from './nonces.js'
import { type DPoPProof, invalidProof, parseProof } from './proof.js'
import { ProofKeys } from './proof-keys.js'
import type { ReplayCache } from './replay-cache.js'
import { isSameTarget, isUnambiguous, withoutQuery } from './target-uri.js'

export interface DPoPRules {
  readonly algorithms: ReadonlySet<Algorithm>
  /** Maximum age of a proof, in seconds. */
  readonly maxProofAge: number
  /** Tolerated difference between the clocks of the client and this instance, in seconds. */
  readonly clockTolerance: number
  /** Returns the current time, in milliseconds since the epoch. */
  readonly now: () => number
  /** `undefined` if proofs need no nonce. */
  readonly nonces: Nonces | undefined
  readonly replays: ReplayCache
}

/** An access token that computes its hash once, because each of its proofs contains the hash. */
export interface HashedToken {
  /** SHA-256 of the token in base64url. */
  readonly hash: string
}

export class DPoP {
  readonly #rules: DPoPRules
  readonly #keys: ProofKeys
  /** The algorithms for the challenge (RFC 9449 §7.1), space-delimited. */
  readonly algs: string

  constructor(rules: DPoPRules) {
    this.#rules = rules
    this.#keys = new ProofKeys(rules.algorithms)
    this.algs = [...rules.algorithms].join(' ')
  }

  /** Returns the newest nonce; `undefined` if proofs need no nonce. */
  newestNonce(): string | undefined {
    return this.#rules.nonces?.newest()
  }

  /**
   * Verifies the proof of a request, and records it in the replay cache.
   *
   * @param jkt the thumbprint of the key that the token is bound to.
   * @returns the newest nonce, for the client's next proof, if this proof has an older nonce
   *   (§8.2); otherwise `undefined`.
   * @throws {InvalidDPoPProofError} if the proof is missing or invalid, or was used before.
   * @throws {InvalidTokenError} if the token is bound to a different key than that of the proof.
   * @throws {UseDPoPNonceError} if the proof has no nonce, or an unknown or expired one.
   * @throws {StoreUnavailableError} if the replay cache cannot record the proof.
   */
  async verifyProof(
    token: HashedToken,
    jkt: string,
    presentation: Presentation,
  ): Promise<string | undefined> {
    const proof = parseProof(singleProof(presentation.proofs))
    const { key, algorithm } = await this.#keys.keyOf(proof.headerSegment, (thumbprint) =>
      requireBoundKey(thumbprint, jkt),
    )
    this.#requireClaims(proof, token, presentation)
    this.#requireNonce(proof)
    if (!(await isSignedBy(key, algorithm, proof, true))) {
      throw invalidProof(
        'The signature of the DPoP proof is invalid',
        'a signature by the key in "jwk"',
      )
    }
    this.#keys.remember(proof.headerSegment, { key, algorithm, thumbprint: jkt })
    await this.#requireFirstUse(proof, jkt)
    const newest = this.newestNonce()
    return newest === proof.claims.nonce ? undefined : newest
  }

  #requireClaims(
    { claims }: DPoPProof,
    token: HashedToken,
    { method, targetUris }: Presentation,
  ): void {
    if (claims.htm !== method) {
      throw invalidProof('The DPoP proof is for another method', '"htm": the method of the request')
    }
    if (!targetUris.some((uri) => isSameTarget(claims.htu, uri))) {
      throw invalidProof('The DPoP proof is for another URL', expectedTarget(targetUris))
    }
    this.#requireFresh(claims.iat)
    if (claims.ath === undefined || !areEqualThumbprints(claims.ath, token.hash)) {
      throw invalidProof('The DPoP proof is for another access token', '"ath" of this token')
    }
  }

  /** Compares without rounding, because `iat` may have a fraction of a second. */
  #requireFresh(iat: number): void {
    const { maxProofAge, clockTolerance, now } = this.#rules
    const seconds = now() / 1000
    // Negated comparisons, so that NaN fails the check.
    if (!(iat > seconds - maxProofAge - clockTolerance)) {
      const after = Math.floor(seconds) - maxProofAge
      throw invalidProof('The DPoP proof is too old', `"iat": after ${after}`)
    }
    if (!(iat <= seconds + clockTolerance)) {
      const until = Math.floor(seconds)
      throw invalidProof('The DPoP proof was made in the future', `"iat": not after ${until}`)
    }
  }

  #requireNonce({ claims: { nonce } }: DPoPProof): void {
    const { nonces } = this.#rules
    if (nonces === undefined || (nonce !== undefined && nonces.accepts(nonce))) return
    throw new UseDPoPNonceError(nonce === undefined ? 'none' : 'an unknown or expired nonce')
  }

  async #requireFirstUse({ claims: { jti, iat } }: DPoPProof, jkt: string): Promise<void> {
    const { replays } = this.#rules
    // Checked again, because the clock may have been set while the signature was verified.
    this.#requireFresh(iat)
    if (!(iat >= replays.rememberedSince())) {
      throw invalidProof(
        'The DPoP proof was made before this server started',
        'a newer proof: without "stores.replay", a restart empties the replay cache',
      )
    }
    if (!(await replays.add({ jkt, jti }))) {
      publish('dpop:replay', { jkt })
      throw invalidProof('The DPoP proof was used before', 'a new proof for each request')
    }
    // Checked again: if the proof expired meanwhile, the entry of its first use may have expired
    // too.
    this.#requireFresh(iat)
  }
}

function expectedTarget(targetUris: readonly string[]): string {
  // The query is removed, because it is not compared and may hold a secret.
  const resources = targetUris.map(withoutQuery)
  if (resources.length === 0) return 'a request whose URL is known: see "dpop.baseUrl"'
  if (resources.some(isUnambiguous)) return `"htu": ${resources.join(' or ')}`
  return 'a request URL without dot segments, backslashes or characters that must be encoded'
}

function singleProof(proofs: readonly string[]): string {
  const [proof] = proofs
  if (proof === undefined) throw invalidProof('The request has no DPoP proof', 'one DPoP header')
  if (proofs.length === 1) return proof
  throw invalidProof('The request has more than one DPoP proof', 'one DPoP header')
}

function requireBoundKey(thumbprint: string, jkt: string): void {
  if (areEqualThumbprints(thumbprint, jkt)) return
  throw new InvalidTokenError('The access token is bound to a different key than the DPoP proof', {
    check: 'binding',
    expected: 'a proof signed by the key that "jkt" identifies',
    found: 'a proof signed by another key',
  })
}
