/**
 * DPoP (RFC 9449): that whoever sends a token holds the key it is bound to. The checks of §4.3 in the
 * order of their cost; the replay memory is last, so that nobody can use up another's proof.
 */
import type { Algorithm } from '../../base/algorithms.js'
import { areEqualThumbprints, sha256 } from '../../base/thumbprint.js'
import { InvalidTokenError, UseDPoPNonceError } from '../../errors/errors.js'
import { publish } from '../../observability/diagnostics.js'
import { isSignedBy } from '../../token/signature.js'
import type { Presentation } from '../presentation.js'
import type { Nonces } from './nonces.js'
import { type DPoPProof, invalidProof, parseProof } from './proof.js'
import { ProofKeys } from './proof-keys.js'
import type { ReplayMemory } from './replay-memory.js'
import { isSameTarget, isUnambiguous, withoutQuery } from './target-uri.js'

export interface DPoPRules {
  readonly algorithms: ReadonlySet<Algorithm>
  /** How long ago a proof may have been made, in seconds. */
  readonly maxAge: number
  /** In seconds, to both sides. */
  readonly clockTolerance: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Without them, a proof needs no nonce. */
  readonly nonces: Nonces | undefined
  readonly replays: ReplayMemory
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

  /** The nonce for a client that has none, or an old one; `undefined` where none is asked for. */
  newestNonce(): string | undefined {
    return this.#rules.nonces?.newest()
  }

  /**
   * @param jkt the thumbprint of the key that the token is bound to.
   * @returns the nonce for the client's next proof, if there is a newer one than it used (§8.2).
   * @throws {InvalidDPoPProofError} or rejects with it; the other errors of `errors.ts` likewise.
   */
  async require(
    token: string,
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
      throw invalidProof('The signature of the DPoP proof is not valid', 'one by the key in "jwk"')
    }
    this.#keys.remember(proof.headerSegment, { key, algorithm, thumbprint: jkt })
    await this.#requireFirstUse(proof, jkt)
    const newest = this.newestNonce()
    return newest === proof.claims.nonce ? undefined : newest
  }

  #requireClaims({ claims }: DPoPProof, token: string, { method, targetUris }: Presentation): void {
    if (claims.htm !== method) {
      throw invalidProof('The DPoP proof is for another method', '"htm": the method of the request')
    }
    if (!targetUris.some((uri) => isSameTarget(claims.htu, uri))) {
      throw invalidProof('The DPoP proof is for another URL', expectedTarget(targetUris))
    }
    this.#requireFresh(claims.iat)
    if (claims.ath === undefined || !areEqualThumbprints(claims.ath, sha256(token))) {
      throw invalidProof('The DPoP proof is for another access token', '"ath" of this token')
    }
  }

  /** To the moment, as is what {@link ReplayMemory} remembers: "iat" may have a fraction. */
  #requireFresh(iat: number): void {
    const { maxAge, clockTolerance, now } = this.#rules
    const seconds = now() / 1000
    // Each written so that a clock that tells no time refuses.
    if (!(iat > seconds - maxAge - clockTolerance)) {
      const after = Math.floor(seconds) - maxAge
      throw invalidProof('The DPoP proof is too old', `"iat": after ${after}`)
    }
    if (!(iat <= seconds + clockTolerance)) {
      const until = Math.floor(seconds)
      throw invalidProof('The DPoP proof was made in the future', `"iat": until ${until}`)
    }
  }

  #requireNonce({ claims: { nonce } }: DPoPProof): void {
    const { nonces } = this.#rules
    if (nonces === undefined || (nonce !== undefined && nonces.accepts(nonce))) return
    throw new UseDPoPNonceError(
      nonce === undefined ? 'none' : 'one that is not ours, or an old one',
    )
  }

  async #requireFirstUse({ claims: { jti, iat } }: DPoPProof, jkt: string): Promise<void> {
    const { replays } = this.#rules
    // Again, because the clock may have been set while the signature was verified.
    this.#requireFresh(iat)
    if (!(iat >= replays.rememberedSince())) {
      throw invalidProof(
        'The DPoP proof was made before this server started',
        'a proof made since: without "stores.replay", used proofs are forgotten at a restart',
      )
    }
    if (!(await replays.add({ jkt, jti }))) {
      publish('dpop:replay', { jkt })
      throw invalidProof('The DPoP proof was used before', 'a new proof for each request')
    }
    // Had it become stale on the way, the first use might have been forgotten before it was asked for.
    this.#requireFresh(iat)
  }
}

function expectedTarget(targetUris: readonly string[]): string {
  // Without the query, which counts for nothing here and may hold a secret.
  const resources = targetUris.map(withoutQuery)
  if (resources.length === 0) return 'a request whose URL is known: see "dpop.baseUrl"'
  if (resources.some(isUnambiguous)) return `"htu": ${resources.join(' or ')}`
  return 'a URL without dot segments, backslashes and characters that must be encoded'
}

function singleProof(proofs: readonly string[]): string {
  const [proof] = proofs
  if (proof === undefined) throw invalidProof('The request has no DPoP proof', 'one DPoP header')
  if (proofs.length === 1) return proof
  throw invalidProof('The request has more than one DPoP proof', 'one DPoP header')
}

function requireBoundKey(thumbprint: string, jkt: string): void {
  if (areEqualThumbprints(thumbprint, jkt)) return
  throw new InvalidTokenError('The access token is bound to another key than that of the proof', {
    check: 'binding',
    expected: 'a proof of the key that "jkt" names',
    found: 'a proof of another key',
  })
}
