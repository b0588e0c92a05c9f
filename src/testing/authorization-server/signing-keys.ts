import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose'
import type { AsymmetricAlgorithm } from '../../algorithms.js'

/** A signature algorithm by its JWS name (RFC 7518 §3.1, RFC 8037, RFC 9864). */
export type SigningAlgorithm = AsymmetricAlgorithm

/** Members of the JWS header to set instead of the usual ones; `undefined` removes one. */
export type HeaderOverrides = { readonly [name: string]: unknown }

/** How the keys change; see `AuthorizationServer.rotateKeys`. */
export interface RotationOptions {
  /** Whether the keys so far stay published. Default true. */
  keep?: boolean | undefined
  /** The algorithm of the new key. Default: the one in use. */
  algorithm?: SigningAlgorithm | undefined
}

interface SigningKey {
  algorithm: SigningAlgorithm
  kid: string
  privateKey: CryptoKey
  publicJwk: JWK
}

/** A JWT, and the key that signed it, whatever its header says. */
export interface SignedToken {
  token: string
  kid: string
}

/** The keys of the server: one signs, and all are published until they are dropped. */
export class SigningKeys {
  #current: SigningKey
  #published: SigningKey[]

  private constructor(first: SigningKey) {
    this.#current = first
    this.#published = [first]
  }

  static async create(algorithm: SigningAlgorithm): Promise<SigningKeys> {
    return new SigningKeys(await generate(algorithm))
  }

  get algorithm(): SigningAlgorithm {
    return this.#current.algorithm
  }

  get publishedAlgorithms(): SigningAlgorithm[] {
    return [...new Set(this.#published.map(({ algorithm }) => algorithm))]
  }

  isPublished(kid: string): boolean {
    return this.#published.some((key) => key.kid === kid)
  }

  keySet(): JSONWebKeySet {
    return { keys: this.#published.map(({ publicJwk }) => ({ ...publicJwk })) }
  }

  async rotate({ keep = true, algorithm = this.algorithm }: RotationOptions = {}): Promise<string> {
    const next = await generate(algorithm)
    this.#current = next
    this.#published = keep ? [...this.#published, next] : [next]
    return next.kid
  }

  /** Signs with the current key, or with one of another algorithm, which is then published, too. */
  async sign(
    claims: JWTPayload,
    header: HeaderOverrides,
    algorithm: SigningAlgorithm = this.algorithm,
  ): Promise<SignedToken> {
    const { kid, privateKey } = await this.#keyOf(algorithm)
    const protectedHeader = { alg: algorithm, kid, ...header }
    const token = await new SignJWT(claims)
      .setProtectedHeader(protectedHeader as unknown as JWTHeaderParameters)
      .sign(privateKey)
    return { token, kid }
  }

  async #keyOf(algorithm: SigningAlgorithm): Promise<SigningKey> {
    if (algorithm === this.algorithm) return this.#current
    const published = this.#published.findLast((key) => key.algorithm === algorithm)
    if (published !== undefined) return published
    const added = await generate(algorithm)
    this.#published.push(added)
    return added
  }
}

async function generate(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm)
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return { algorithm, kid, privateKey, publicJwk: { ...jwk, kid, alg: algorithm, use: 'sig' } }
}
