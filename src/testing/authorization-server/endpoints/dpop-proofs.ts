import { calculateJwkThumbprint, EmbeddedJWK, type JWK, type JWTPayload, jwtVerify } from 'jose'
import { ASYMMETRIC_ALGORITHMS } from '../../../base/algorithms.js'
import { canParseUrl } from '../../../base/can-parse-url.js'
import { OAuthError } from '../http/oauth-error.js'
import { opaqueToken } from '../tokens/opaque-token.js'
import { UsedIds } from './used-ids.js'

/**
 * Maximum difference between `iat` and the server's clock, in seconds. It allows for clock skew and
 * transit time.
 */
const MAX_SKEW_SECONDS = 60

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/**
 * Verifies the DPoP proofs of token requests (RFC 9449 §4.3, §5). A request may have at most one
 * proof. The class checks the type, algorithm, key and signature of the proof, `htm`, `htu`, an
 * `iat` within 60 seconds, the nonce if one is required, and that no earlier proof of the same key
 * had the same `jti`.
 */
export class DPoPProofs {
  readonly #endpoint: string
  readonly #now: () => number
  readonly #used: UsedIds
  #nonce: string | undefined

  /**
   * @param endpoint the URL that proofs must contain as `htu`.
   * @param now returns the current time, in milliseconds since the epoch.
   */
  constructor(endpoint: string, now: () => number) {
    this.#endpoint = endpoint
    this.#now = now
    this.#used = new UsedIds(now)
  }

  /** The nonce that proofs must contain (RFC 9449 §8); `undefined` if none is required. */
  get nonce(): string | undefined {
    return this.#nonce
  }

  /** Creates a nonce, requires it in every proof from now on, and returns it. */
  requireNonce(): string {
    this.#nonce = opaqueToken()
    return this.#nonce
  }

  /**
   * Verifies the proof of a request.
   *
   * @param proofs the values of all `DPoP` headers of the request.
   * @returns the thumbprint of the key that signed the proof; `undefined` if there is no proof.
   * @throws {OAuthError} `use_dpop_nonce` if the nonce is missing or wrong, `invalid_dpop_proof` if
   *   the proof is otherwise invalid.
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

  /**
   * Checks the claims except the nonce, and returns the `jti`.
   *
   * @throws {OAuthError} `invalid_dpop_proof`
   */
  #requireClaims({ jti, htm, htu, iat }: JWTPayload): string {
    if (typeof jti !== 'string' || jti === '') throw invalidProof('The DPoP proof has no jti.')
    if (htm !== 'POST') throw invalidProof('The htm of the DPoP proof is not the method POST.')
    if (!isSameUrl(htu, this.#endpoint))
      throw invalidProof('The htu of the DPoP proof is not the URL of the token endpoint.')
    if (typeof iat !== 'number' || !(Math.abs(this.#now() / 1000 - iat) <= MAX_SKEW_SECONDS)) {
      throw invalidProof(
        'The iat of the DPoP proof is missing, or more than 60 seconds from the server time.',
      )
    }
    return jti
  }
}

/**
 * Whether `htu` is the URL of the endpoint. Normalizes `htu` (RFC 3986 §6.2), and ignores its query
 * and fragment (RFC 9449 §4.3, check 9).
 */
function isSameUrl(htu: unknown, endpoint: string): boolean {
  // Rejects backslashes, white space and missing slashes, because they are invalid in a URI, but
  // the URL parser would repair them.
  if (typeof htu !== 'string' || !/^https?:\/\/[^\\\s]+$/i.test(htu) || !canParseUrl(htu)) {
    return false
  }
  const url = new URL(htu)
  url.search = ''
  url.hash = ''
  return url.href.replace(/%[0-9a-f]{2}/gi, unreserved) === endpoint
}

/**
 * Decodes a percent-encoded character if it is unreserved (RFC 3986 §2.3). Otherwise returns the
 * text unchanged.
 */
function unreserved(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : encoded
}

function invalidProof(description: string): OAuthError {
  return new OAuthError('invalid_dpop_proof', description)
}
