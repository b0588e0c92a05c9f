/** Signs the tokens of one file of paths, with a key of its own. */
import { accessTokenClaims, generateKey, signToken } from './jwt.js'

const DAY_SECONDS = 86_400

export class Issuance {
  issuer
  #key
  #number = 30_000_000

  /** @param name the path of the issuer identifier. */
  constructor(issuerServer, name, { algorithm = 'RS256', introspection } = {}) {
    this.#key = generateKey(algorithm)
    this.issuer = issuerServer.add(name, { jwks: { keys: [this.#key.jwk] }, introspection })
  }

  token(claims = {}) {
    const issuedAt = Math.floor(Date.now() / 1000)
    const number = this.#number++
    const own = accessTokenClaims({ issuer: this.issuer, number, issuedAt, lifetime: DAY_SECONDS })
    return signToken(this.#key, { ...own, ...claims })
  }

  tokens(count, claims) {
    return Array.from({ length: count }, () => this.token(claims))
  }
}
