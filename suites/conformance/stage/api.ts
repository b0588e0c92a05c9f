/** An API under test, its issuer's name, and a client that makes its tokens and speaks to it. */
import { type DPoPKey, dpopProof } from 'fastify-resource-server/testing'
import { type Forgery, forge } from '../../../test/fixtures/forgery.js'
import type { TestKey } from '../../../test/fixtures/issuer.js'
import type { RawResponse } from '../../../test/fixtures/raw-http.js'
import type { Feature } from '../check.js'
import type { SuiteKeys } from './keys.js'
import { type Sending, sendTo } from './wire.js'

export interface ApiOptions {
  /** Without a slash at its end. */
  readonly url: string
  readonly issuer: string
  readonly audience: string
  readonly features: ReadonlySet<Feature>
  readonly keys: SuiteKeys
  /** The client's, for DPoP. */
  readonly dpopKey: DPoPKey
  readonly now: () => number
}

export interface ForgeOptions {
  /** What signs, and is named by `kid`. Default: the suite's ES256, where it is taken; RS256. */
  readonly key?: TestKey
  readonly header?: Forgery['header']
  /** Beside good claims, where `undefined` takes one away; text is all of it. */
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

  /** The scheme under which this API takes tokens. */
  get scheme(): string {
    return this.has('bearer') ? 'Bearer' : 'DPoP'
  }

  seconds(): number {
    return Math.floor(this.options.now() / 1000)
  }

  /** The claims of a token that is good here; bound to the client's key where it has to be. */
  claims(overrides: Record<string, unknown> = {}): Record<string, unknown> {
    const { issuer, audience, dpopKey } = this.options
    return {
      iss: issuer,
      aud: audience,
      sub: 'user-1',
      client_id: 'client-1',
      iat: this.seconds() - 5,
      exp: this.seconds() + 300,
      jti: `conformance-${tokens++}`,
      scope: 'profile',
      ...(this.has('bearer') ? {} : { cnf: { jkt: dpopKey.thumbprint } }),
      ...overrides,
    }
  }

  /** What signs where nothing else is said. ES256 is the quicker. */
  get key(): TestKey {
    const { rs256, es256 } = this.options.keys
    return this.has('es256') ? es256 : rs256
  }

  forge({ key = this.key, header = {}, claims = {} }: ForgeOptions = {}): string {
    const text = typeof claims === 'string' ? claims : JSON.stringify(this.claims(claims))
    return forge(key, { header, claims: text })
  }

  send(sending: Sending = {}): Promise<RawResponse> {
    return sendTo(this.options.url, sending)
  }

  /** The request as a client that has the token would send it, with a proof where one is needed. */
  async present(token: string, sending: Sending = {}): Promise<RawResponse> {
    const lines = [`authorization: ${this.scheme} ${token}`, ...(sending.lines ?? [])]
    if (!this.has('bearer')) lines.push(`dpop: ${await this.proof(token, sending)}`)
    return this.send({ ...sending, lines })
  }

  /** With a proof, and whatever of it is to be otherwise. */
  async prove(
    token: string,
    change: ProofChange = {},
    { scheme = 'DPoP', ...sending }: Sending & { scheme?: string } = {},
  ): Promise<RawResponse> {
    const proof = await this.proof(token, sending, change)
    const lines = [`authorization: ${scheme} ${token}`, `dpop: ${proof}`, ...(sending.lines ?? [])]
    return this.send({ ...sending, lines })
  }

  async proof(token: string, sending: Sending = {}, change: ProofChange = {}): Promise<string> {
    if (this.has('nonce')) this.#nonce ??= await this.#askForNonce()
    const { url, dpopKey: key, now } = this.options
    const { method = 'GET', path = '/' } = sending
    const usual = { key, method, url: `${url}${path}`, accessToken: token, nonce: this.#nonce, now }
    return dpopProof({ ...usual, ...change })
  }

  /** A token that is bound to the client's key. */
  bound(claims: Record<string, unknown> = {}): string {
    return this.forge({ claims: { cnf: { jkt: this.options.dpopKey.thumbprint }, ...claims } })
  }

  /** Another time has come, and with it another nonce. */
  forgetNonce(): void {
    this.#nonce = undefined
  }

  async #askForNonce(): Promise<string | undefined> {
    const { url, dpopKey: key, now } = this.options
    const token = this.bound()
    const proof = await dpopProof({ key, url: `${url}/`, accessToken: token, now })
    const lines = [`authorization: DPoP ${token}`, `dpop: ${proof}`]
    return (await this.send({ lines })).headers['dpop-nonce']?.[0]
  }
}
