/** A client of the API under test: forges tokens and proofs, and sends requests. */
import { type DPoPKey, dpopProof } from 'fastify-resource-server/testing'
import { type EncryptionKey, encrypt } from '../../../test/fixtures/encryption.js'
import { type Forgery, forge } from '../../../test/fixtures/forgery.js'
import type { TestKey } from '../../../test/fixtures/issuer.js'
import type { RawResponse } from '../../../test/fixtures/raw-http.js'
import type { Feature } from '../check.js'
import type { SuiteKeys } from './keys.js'
import { type RawRequest, sendRaw } from './raw-request.js'

export interface ApiOptions {
  /** Without a trailing slash. */
  readonly url: string
  readonly issuer: string
  readonly audience: string
  readonly features: ReadonlySet<Feature>
  readonly keys: SuiteKeys
  /** The API's key, for tokens that it decrypts. */
  readonly encryptionKey: EncryptionKey
  /** The client's DPoP key. */
  readonly dpopKey: DPoPKey
  readonly now: () => number
}

export interface ForgeOptions {
  /** Signing key; its `kid` is in the header. Default: ES256 if the API accepts it, otherwise RS256. */
  readonly key?: TestKey
  readonly header?: Forgery['header']
  /** Overrides valid claims; `undefined` removes one. A string replaces the whole payload. */
  readonly claims?: Record<string, unknown> | string
}

export type ProofChange = Partial<Parameters<typeof dpopProof>[0]>

let tokens = 0

export class Api {
  readonly options: ApiOptions
  #nonce: string | undefined

  constructor(options: ApiOptions) {
    this.options = options
  }

  has(feature: Feature): boolean {
    return this.options.features.has(feature)
  }

  /** The authentication scheme for tokens at this API. */
  get scheme(): string {
    return this.has('bearer') ? 'Bearer' : 'DPoP'
  }

  nowSeconds(): number {
    return Math.floor(this.options.now() / 1000)
  }

  /** Returns valid claims for this API, bound to the client's key if the API requires DPoP. */
  claims(overrides: Record<string, unknown> = {}): Record<string, unknown> {
    const { issuer, audience, dpopKey } = this.options
    return {
      iss: issuer,
      aud: audience,
      sub: 'user-1',
      client_id: 'client-1',
      iat: this.nowSeconds() - 5,
      exp: this.nowSeconds() + 300,
      jti: `conformance-${tokens++}`,
      scope: 'profile',
      ...(this.has('bearer') ? {} : { cnf: { jkt: dpopKey.thumbprint } }),
      ...overrides,
    }
  }

  /** The default signing key; ES256 signs faster. */
  get key(): TestKey {
    const { rs256, es256 } = this.options.keys
    return this.has('es256') ? es256 : rs256
  }

  forge({ key = this.key, header = {}, claims = {} }: ForgeOptions = {}): string {
    const text = typeof claims === 'string' ? claims : JSON.stringify(this.claims(claims))
    return forge(key, { header, claims: text })
  }

  send(request: RawRequest = {}): Promise<RawResponse> {
    return sendRaw(this.options.url, request)
  }

  /** Returns the token as a client gets it: a JWT is encrypted if the API requires that. */
  async asIssued(token: string): Promise<string> {
    if (!this.has('encrypted') || token.split('.').length !== 3) return token
    const { publicKey, privateJwk } = this.options.encryptionKey
    return encrypt(token, publicKey, { alg: 'ECDH-ES', kid: privateJwk.kid })
  }

  /** Sends a token as its client would, with a proof if the API requires one. */
  async present(given: string, request: RawRequest = {}): Promise<RawResponse> {
    const token = await this.asIssued(given)
    const lines = [`authorization: ${this.scheme} ${token}`, ...(request.lines ?? [])]
    if (!this.has('bearer')) lines.push(`dpop: ${await this.proof(token, request)}`)
    return this.send({ ...request, lines })
  }

  /** Sends a token with a DPoP proof that is changed. */
  async prove(
    token: string,
    change: ProofChange = {},
    { scheme = 'DPoP', ...request }: RawRequest & { scheme?: string } = {},
  ): Promise<RawResponse> {
    const proof = await this.proof(token, request, change)
    const lines = [`authorization: ${scheme} ${token}`, `dpop: ${proof}`, ...(request.lines ?? [])]
    return this.send({ ...request, lines })
  }

  async proof(token: string, request: RawRequest = {}, change: ProofChange = {}): Promise<string> {
    if (this.has('nonce')) this.#nonce ??= await this.#requestNonce()
    const { url, dpopKey: key, now } = this.options
    const { method = 'GET', path = '/' } = request
    const valid = { key, method, url: `${url}${path}`, accessToken: token, nonce: this.#nonce, now }
    return dpopProof({ ...valid, ...change })
  }

  /** Forges a token that is bound to the client's key. */
  forgeBound(claims: Record<string, unknown> = {}): string {
    return this.forge({ claims: { cnf: { jkt: this.options.dpopKey.thumbprint }, ...claims } })
  }

  /** Requests a new nonce for the next proof; call it after the clock has moved. */
  forgetNonce(): void {
    this.#nonce = undefined
  }

  async #requestNonce(): Promise<string | undefined> {
    const { url, dpopKey: key, now } = this.options
    const token = this.forgeBound()
    const proof = await dpopProof({ key, url: `${url}/`, accessToken: token, now })
    const lines = [`authorization: DPoP ${token}`, `dpop: ${proof}`]
    return (await this.send({ lines })).headers['dpop-nonce']?.[0]
  }
}
