/** Sends hostile requests, in turn with each kind of invalid token. */
import { createHmac, randomBytes } from 'node:crypto'
import { dpopProof, generateDPoPKey } from 'fastify-resource-server/testing'
import { withRandomKid } from '../faults/harness/tokens.js'
import { bearer } from './valid.js'

const REJECTED = [401]

export class Hostile {
  #api
  #ways
  #sent = 0

  static async make(issuer, api) {
    const valid = await issuer.issue({})
    const key = await generateDPoPKey()
    const bound = await issuer.issue({}, { confirmation: { key: key.thumbprint } })
    const proof = await dpopProof({ key, url: `${api.url}/`, accessToken: bound })
    const proven = { authorization: `DPoP ${bound}`, dpop: proof }
    await api.get(proven)
    const expired = await issuer.issue({}, { expiresIn: -600 })
    const elsewhere = await issuer.issue({ aud: 'api://another' })
    const publicKey = JSON.stringify((await issuer.keySet()).keys[0])
    return new Hostile(api, {
      expired: () => bearer(expired),
      'for another API': () => bearer(elsewhere),
      tampered: () => bearer(withClaims(valid, { sub: 'admin' })),
      'without a signature': () => bearer(withHeader(valid, { alg: 'none' }, () => '')),
      'signed with the public key': () =>
        bearer(withHeader(valid, { alg: 'HS256' }, (input) => hmac(publicKey, input))),
      'of another issuer': () => bearer(withClaims(valid, { iss: 'https://evil.example' })),
      garbage: () => bearer(`${randomBytes(300).toString('base64')}!`),
      'bound, as a bearer token': () => bearer(bound),
      'a proof that was used': () => proven,
      'opaque and unknown': () => bearer(randomBytes(24).toString('hex')),
      'without the scope': () => bearer(valid),
      'of an unknown key': () => bearer(withRandomKid(valid)),
    })
  }

  constructor(api, ways) {
    this.#api = api
    this.#ways = Object.entries(ways)
  }

  next({ bringsUnknownKeys }) {
    const [kind, headers] = this.#ways[this.#sent++ % this.#ways.length]
    if (kind === 'of an unknown key' && !bringsUnknownKeys) return this.next({ bringsUnknownKeys })
    const [expected, path] = kind === 'without the scope' ? [[403], '/admin'] : [EXPECTED[kind]]
    return { kind, expected: expected ?? REJECTED, answer: this.#api.get(headers(), path) }
  }
}

const EXPECTED = {
  // Not a token68 (RFC 6750 §2.1).
  garbage: [400],
  // While the issuer is down, these cannot be verified.
  'opaque and unknown': [401, 503],
  'of an unknown key': [401, 503],
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
