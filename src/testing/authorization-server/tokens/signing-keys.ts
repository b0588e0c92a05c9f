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
import {
  ASYMMETRIC_ALGORITHMS,
  type AsymmetricAlgorithm,
  runtimeHint,
} from '../../../base/algorithms.js'
import { isJsonObject } from '../../../base/json-object.js'
import { rejectUnknownOptions } from '../../known-options.js'

/**
 * A signature algorithm by its JWS name (RFC 7518 §3.1, RFC 8037, RFC 9864, RFC 9964). ML-DSA
 * requires Node 24.7 or later with OpenSSL 3.5 or later.
 */
export type SigningAlgorithm = AsymmetricAlgorithm

/** Members that override those of the JWS header. A member set to `undefined` is left out. */
export type HeaderOverrides = { readonly [name: string]: unknown }

/** Options of `AuthorizationServer.rotateKeys`. */
export interface RotationOptions {
  /**
   * Whether the previous keys stay published. A rotation keeps at most the newest 50 of the
   * server's own keys, including the new key. Default true.
   */
  keepOld?: boolean | undefined
  /** The algorithm of the new key. Default: the algorithm of the current key. */
  algorithm?: SigningAlgorithm | undefined
}

/** @throws {TypeError} if the value is not an asymmetric signature algorithm. */
export function requireSigningAlgorithm(algorithm: unknown): asserts algorithm is SigningAlgorithm {
  if ((ASYMMETRIC_ALGORITHMS as readonly unknown[]).includes(algorithm)) return
  throw new TypeError(
    `"algorithm" must be one of ${ASYMMETRIC_ALGORITHMS.join(', ')}${runtimeHint(algorithm)}`,
  )
}

/** The members of a JWK that contain private or secret values (RFC 7518 §6, RFC 9964 §3). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/**
 * Maximum number of the server's own keys that stay published after a rotation. It is below the
 * plugin's default limit (`jwks.maxKeys`, 100), so that a test can publish other keys, too.
 */
const MAX_PUBLISHED = 50

interface SigningKey {
  algorithm: SigningAlgorithm
  kid: string
  privateKey: CryptoKey
  publicJwk: JWK
}

/**
 * A JWT, and the `kid` of the key that signed it. The header of the JWT may contain another `kid`.
 */
export interface SignedToken {
  token: string
  kid: string
}

/**
 * Holds the keys of the server. By default, the current key signs. All keys are published until a
 * rotation removes them.
 */
export class SigningKeys {
  #current: SigningKey
  #published: SigningKey[]
  #testKeys: JWK[] = []

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
    const ownAlgorithms = this.#published.map(({ algorithm }) => algorithm)
    return [
      ...new Set([
        ...ownAlgorithms,
        ...ASYMMETRIC_ALGORITHMS.filter((alg) => this.#hasTestKey(alg)),
      ]),
    ]
  }

  isPublished(kid: string): boolean {
    return this.#published.some((key) => key.kid === kid)
  }

  keySet(): JSONWebKeySet {
    const ownKeys = this.#published.map(({ publicJwk }) => publicJwk)
    return { keys: [...ownKeys, ...this.#testKeys].map((jwk) => ({ ...jwk })) }
  }

  /**
   * Publishes a key of the test, after the server's own keys.
   *
   * @throws {TypeError} if the value is not a JWK, or has private or secret members.
   */
  publish(jwk: JWK): void {
    if (!isJsonObject(jwk) || typeof jwk.kty !== 'string') {
      throw new TypeError('"jwk" must be a public key as a JWK, with "kty"')
    }
    if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) {
      throw new TypeError('"jwk" must be a public key, without private or secret members')
    }
    this.#testKeys.push(structuredClone(jwk))
  }

  /**
   * Generates a new key, signs with it from now on, and returns its `kid`.
   *
   * @throws {TypeError} if an option is unknown or invalid.
   */
  async rotate(options: RotationOptions = {}): Promise<string> {
    rejectUnknownOptions('rotateKeys', options, ['keepOld', 'algorithm'])
    const { keepOld = true, algorithm = this.algorithm } = options
    requireSigningAlgorithm(algorithm)
    if (typeof keepOld !== 'boolean') throw new TypeError('"keepOld" must be true or false')
    const next = await generate(algorithm)
    this.#current = next
    this.#published = keepOld ? [...this.#published, next].slice(-MAX_PUBLISHED) : [next]
    this.#testKeys = keepOld ? this.#testKeys : []
    return next.kid
  }

  /**
   * Signs a JWT with the current key. If `algorithm` is another algorithm, signs with the newest
   * published key for it; if there is none, generates and publishes one.
   */
  async sign(
    claims: JWTPayload,
    header: HeaderOverrides,
    algorithm: SigningAlgorithm = this.algorithm,
  ): Promise<SignedToken> {
    const key = await this.#keyOf(algorithm)
    const { kid } = key
    return { token: await signWith(key, claims, { alg: algorithm, kid, ...header }), kid }
  }

  /** Signs a JWT with a key that is never published, under the `kid` of a published key. */
  async forge(
    claims: JWTPayload,
    header: HeaderOverrides,
    algorithm: SigningAlgorithm = this.algorithm,
  ): Promise<string> {
    const { kid } = await this.#keyOf(algorithm)
    return signWith(await generate(algorithm), claims, { alg: algorithm, kid, ...header })
  }

  #hasTestKey(algorithm: SigningAlgorithm): boolean {
    return this.#testKeys.some(({ alg }) => alg === algorithm)
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

function signWith(
  { privateKey }: SigningKey,
  claims: JWTPayload,
  header: HeaderOverrides,
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader(header as unknown as JWTHeaderParameters)
    .sign(privateKey)
}

async function generate(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm)
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return { algorithm, kid, privateKey, publicJwk: { ...jwk, kid, alg: algorithm, use: 'sig' } }
}
