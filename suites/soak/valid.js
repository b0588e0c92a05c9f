/** Sends requests with valid tokens, which the API must accept even while the issuer is down. */
import { randomUUID } from 'node:crypto'
import { dpopProof, generateDPoPKey } from 'fastify-resource-server/testing'

const JWT_COUNT = 100
const OPAQUE_COUNT = 20

export class Valid {
  #issuer
  #api
  #reused = []
  #opaque = []
  #dpop
  #sentCount = 0

  static async create(issuer, api) {
    const valid = new Valid(issuer, api)
    await valid.#issueTokens()
    return valid
  }

  constructor(issuer, api) {
    this.#issuer = issuer
    this.#api = api
  }

  async #issueTokens() {
    for (let i = 0; i < JWT_COUNT; i++) this.#reused.push(await this.#issueNew())
    await this.renew()
    const key = await generateDPoPKey()
    const token = await this.#issuer.issue({}, { confirmation: { key: key.thumbprint } })
    this.#dpop = { key, token }
  }

  /** Replaces the opaque tokens, and sends each to the API, which then introspects the token. */
  async renew() {
    const requests = Array.from({ length: OPAQUE_COUNT }, async () => {
      const token = await this.#issuer.issue({}, { format: 'opaque' })
      await this.#api.get(bearer(token))
      return token
    })
    this.#opaque = await Promise.all(requests)
  }

  /**
   * Sends the next request. Of ten requests, seven carry a reused JWT, one a new JWT, one an opaque
   * token, and one a DPoP proof.
   */
  next() {
    const n = this.#sentCount++
    const expected = [200]
    if (n % 10 === 7) return { label: 'new', expected, response: this.#sendNew(n) }
    if (n % 10 === 8) return { label: 'opaque', expected, response: this.#send(this.#opaque, n) }
    if (n % 10 === 9) return { label: 'DPoP', expected, response: this.#sendWithProof() }
    return { label: 'reused', expected, response: this.#send(this.#reused, n) }
  }

  #send(tokens, n) {
    return this.#api.get(bearer(tokens[n % tokens.length]))
  }

  /** Sends a new token, which then replaces one of the reused tokens. */
  async #sendNew(n) {
    const token = await this.#issueNew()
    const status = await this.#api.get(bearer(token))
    this.#reused[Math.floor(n / 10) % JWT_COUNT] = token
    return status
  }

  async #sendWithProof() {
    const { key, token } = this.#dpop
    const proof = await dpopProof({ key, url: `${this.#api.url}/`, accessToken: token })
    return this.#api.get({ authorization: `DPoP ${token}`, dpop: proof })
  }

  #issueNew() {
    return this.#issuer.issue({ jti: randomUUID() })
  }
}

export function bearer(token) {
  return { authorization: `Bearer ${token}` }
}
