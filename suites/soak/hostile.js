/** Sends hostile requests, and cycles through the types of invalid credentials. */
import { createHmac, randomBytes } from 'node:crypto'
import { dpopProof, generateDPoPKey } from 'fastify-resource-server/testing'
import { withRandomKid } from '../faults/harness/tokens.js'
import { bearer } from './valid.js'

const REJECTED = [401]

export class Hostile {
  #api
  #requests
  #sentCount = 0

  static async create(issuer, api) {
    const valid = await issuer.issue({})
    const key = await generateDPoPKey()
    const dpopToken = await issuer.issue({}, { confirmation: { key: key.thumbprint } })
    const proof = await dpopProof({ key, url: `${api.url}/`, accessToken: dpopToken })
    const usedProof = { authorization: `DPoP ${dpopToken}`, dpop: proof }
    await api.get(usedProof)
    const expired = await issuer.issue({}, { expiresIn: -600 })
    const forAnotherApi = await issuer.issue({ aud: 'api://another' })
    const publicKey = JSON.stringify((await issuer.keySet()).keys[0])
    return new Hostile(api, {
      expired: () => bearer(expired),
      'for another API': () => bearer(forAnotherApi),
      tampered: () => bearer(withClaims(valid, { sub: 'admin' })),
      'without a signature': () => bearer(withHeader(valid, { alg: 'none' }, () => '')),
      'signed with the public key': () =>
        bearer(withHeader(valid, { alg: 'HS256' }, (input) => hmac(publicKey, input))),
      'from another issuer': () => bearer(withClaims(valid, { iss: 'https://evil.example' })),
      garbage: () => bearer(`${randomBytes(300).toString('base64')}!`),
      'DPoP-bound, as a bearer token': () => bearer(dpopToken),
      'a replayed proof': () => usedProof,
      'opaque and unknown': () => bearer(randomBytes(24).toString('hex')),
      'without the scope': () => bearer(valid),
      'with an unknown kid': () => bearer(withRandomKid(valid)),
    })
  }

  constructor(api, requests) {
    this.#api = api
    this.#requests = Object.entries(requests)
  }

  next({ allowsUnknownKeys }) {
    const [label, headers] = this.#requests[this.#sentCount++ % this.#requests.length]
    if (label === 'with an unknown kid' && !allowsUnknownKeys)
      return this.next({ allowsUnknownKeys })
    const [expected, path] = label === 'without the scope' ? [[403], '/admin'] : [EXPECTED[label]]
    return { label, expected: expected ?? REJECTED, response: this.#api.get(headers(), path) }
  }
}

const EXPECTED = {
  // Not a b64token (RFC 6750 §2.1).
  garbage: [400],
  // The API cannot verify these tokens while the issuer is down.
  'opaque and unknown': [401, 503],
  'with an unknown kid': [401, 503],
}

function withClaims(token, claims) {
  const [header, payload, signature] = token.split('.')
  return [header, changed(payload, claims), signature].join('.')
}

function withHeader(token, parameters, sign) {
  const [header, payload] = token.split('.')
  const input = `${changed(header, parameters)}.${payload}`
  return `${input}.${sign(input)}`
}

function changed(segment, members) {
  const object = { ...JSON.parse(Buffer.from(segment, 'base64url')), ...members }
  return Buffer.from(JSON.stringify(object)).toString('base64url')
}

function hmac(key, input) {
  return createHmac('sha256', key).update(input).digest('base64url')
}
