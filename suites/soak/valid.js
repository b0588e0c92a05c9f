/** Clients with valid tokens, which the API must accept also while the issuer is down. */
import { randomUUID } from 'node:crypto'
import { dpopProof, generateDPoPKey } from 'fastify-resource-server/testing'

const POOL = 100
const OPAQUE = 20

export class Valid {
  #issuer
  #api
  #known = []
  #opaque = []
  #bound
  #sent = 0

  static async make(issuer, api) {
    const valid = new Valid(issuer, api)
    await valid.#begin()
    return valid
  }

  constructor(issuer, api) {
    this.#issuer = issuer
    this.#api = api
  }

  async #begin() {
    for (let i = 0; i < POOL; i++) this.#known.push(await this.#fresh())
    await this.renew()
    const key = await generateDPoPKey()
    const token = await this.#issuer.issue({}, { confirmation: { key: key.thumbprint } })
    this.#bound = { key, token }
  }

  /** Replaces the opaque tokens, which are introspected immediately. */
  async renew() {
    const fresh = Array.from({ length: OPAQUE }, async () => {
      const token = await this.#issuer.issue({}, { format: 'opaque' })
      await this.#api.get(bearer(token))
      return token
    })
    this.#opaque = await Promise.all(fresh)
  }

  /** Sends, of ten requests, seven with known tokens, one with a new, one opaque, one DPoP-bound token. */
  next() {
    const n = this.#sent++
    const expected = [200]
    if (n % 10 === 7) return { kind: 'first seen', expected, answer: this.#firstSeen(n) }
    if (n % 10 === 8) return { kind: 'opaque', expected, answer: this.#send(this.#opaque, n) }
    if (n % 10 === 9) return { kind: 'DPoP', expected, answer: this.#proven() }
    return { kind: 'known', expected, answer: this.#send(this.#known, n) }
  }

  #send(tokens, n) {
    return this.#api.get(bearer(tokens[n % tokens.length]))
  }

  /** Sends a new token, which replaces a known token. */
  async #firstSeen(n) {
    const token = await this.#fresh()
    const status = await this.#api.get(bearer(token))
    this.#known[Math.floor(n / 10) % POOL] = token
    return status
  }

  async #proven() {
    const { key, token } = this.#bound
    const proof = await dpopProof({ key, url: `${this.#api.url}/`, accessToken: token })
    return this.#api.get({ authorization: `DPoP ${token}`, dpop: proof })
  }

  #fresh() {
    return this.#issuer.issue({ jti: randomUUID() })
  }
}

export function bearer(token) {
  return { authorization: `Bearer ${token}` }
}
