import { calculateJwkThumbprint, EmbeddedJWK, type JWK, type JWTPayload, jwtVerify } from 'jose'
import { ASYMMETRIC_ALGORITHMS } from '../../../base/algorithms.js'
import { canParseUrl } from '../../../base/can-parse-url.js'
import { OAuthError } from '../http/oauth-error.js'
import { opaqueToken } from '../tokens/opaque-token.js'
import { UsedIds } from './used-ids.js'

/**
 * Maximum difference in seconds between `iat` and the server's clock: clock skew plus transit time.
 */
const MAX_SKEW_SECONDS = 60

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * Verifies the DPoP proofs of token requests (RFC 9449 §4.3, §5): one proof, its type, algorithm,
 * key and signature, `htm`, `htu`, `iat` within a minute, the nonce if one is required, and a `jti`
 * that was not used before.
 */
export class DPoPProofs {
  readonly #endpoint: string
  readonly #now: () => number
  readonly #used: UsedIds
  #nonce: string | undefined

  /**
   * @param endpoint the URL that proofs must name as `htu`.
   * @param now the clock, in milliseconds since the epoch.
   */
  constructor(endpoint: string, now: () => number) {
    this.#endpoint = endpoint
    this.#now = now
    this.#used = new UsedIds(now)
  }

  /** The nonce that proofs must contain, if one is required (§8). */
  get nonce(): string | undefined {
    return this.#nonce
  }

  /** Requires a nonce from now on; each call creates a new one. */
  requireNonce(): string {
    this.#nonce = opaqueToken()
    return this.#nonce
  }

  /**
   * @param proofs the values of all `DPoP` headers.
   * @returns the thumbprint of the proven key, `undefined` if there is no proof.
   * @throws {OAuthError} `invalid_dpop_proof` or `use_dpop_nonce`
   */
  async verify(proofs: readonly string[]): Promise<string | undefined> {
    const [proof, ...others] = proofs
    if (proof === undefined) return undefined
    if (others.length > 0) throw invalidProof('There is more than one DPoP header.')
    const { jwk, claims } = await this.#verifySignature(proof)
    const jti = this.#requireClaims(claims)
    if (this.#nonce !== undefined && claims.nonce !== this.#nonce) {
      throw new OAuthError(
        'use_dpop_nonce',
        'A DPoP nonce is required: retry with the value of the DPoP-Nonce header.',
        {
          headers: { 'dpop-nonce': this.#nonce },
        },
      )
    }
    const jkt = await calculateJwkThumbprint(jwk)
    if (!this.#used.use(JSON.stringify([jkt, jti]), (claims.iat as number) + MAX_SKEW_SECONDS)) {
      throw invalidProof('The DPoP proof was used before.')
    }
    return jkt
  }

  async #verifySignature(proof: string): Promise<{ jwk: JWK; claims: JWTPayload }> {
    try {
      const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
        typ: 'dpop+jwt',
        algorithms: [...ASYMMETRIC_ALGORITHMS],
        currentDate: new Date(this.#now()),
      })
      const jwk = protectedHeader.jwk as JWK
      const isPublic = !PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))
      if (isPublic) return { jwk, claims: payload }
    } catch {}
    throw invalidProof('The DPoP proof is not a valid JWT of type dpop+jwt with a public key.')
  }

  /** Checks the claims and returns the `jti`. */
  #requireClaims({ jti, htm, htu, iat }: JWTPayload): string {
    if (typeof jti !== 'string' || jti === '') throw invalidProof('The DPoP proof has no jti.')
    if (htm !== 'POST') throw invalidProof('The DPoP proof is for another method.')
    if (!isSameUrl(htu, this.#endpoint)) throw invalidProof('The DPoP proof is for another URL.')
    if (typeof iat !== 'number' || !(Math.abs(this.#now() / 1000 - iat) <= MAX_SKEW_SECONDS)) {
      throw invalidProof(
        'The iat of the DPoP proof is missing, or more than 60 seconds from the server time.',
      )
    }
    return jti
  }
}

/**
 * Compares URLs without query and fragment, after normalization (RFC 9449 §4.3, check 9;
 * RFC 3986 §6.2).
 */
function isSameUrl(htu: unknown, endpoint: string): boolean {
  // The URL parser would repair backslashes, white space and missing slashes, which no URI
  // contains.
  if (typeof htu !== 'string' || !/^https?:\/\/[^\\\s]+$/i.test(htu) || !canParseUrl(htu)) {
    return false
  }
  const url = new URL(htu)
  url.search = ''
  url.hash = ''
  return url.href.replace(/%[0-9a-f]{2}/gi, unreserved) === endpoint
}

function unreserved(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : encoded
}

function invalidProof(description: string): OAuthError {
  return new OAuthError('invalid_dpop_proof', description)
}
