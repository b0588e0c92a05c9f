/** A known token that is bound to a key of the client, with a new proof (RFC 9449). */
import { createHash, createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { encode } from '../jwt.js'
import { repeat } from './requests.js'
import { partsOf, VERIFIERS } from './verifiers.js'

const BASE_URL = 'https://api.example'
const CLIENTS = 50

export const servers = {
  async dpop({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer, audience, dpop: { baseUrl: BASE_URL } })
  },

  async bearer({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer, audience })
  },

  ...Object.fromEntries(Object.keys(VERIFIERS).map((name) => [name, bearerAndVerification(name)])),
}

/** The least code: this plugin with a known bearer token, and the signature of the proof. */
function bearerAndVerification(name) {
  const { import: importKey, verify } = VERIFIERS[name]
  return async (context) => {
    await servers.bearer(context)
    const { app, fixture } = context
    const keys = new Map()
    for (const { jwk } of fixture.clients) keys.set(jwk.x, await importKey(jwk, 'ES256'))
    app.addHook('onRequest', (request, _reply, done) => {
      const proof = request.headers.dpop
      const header = proof.slice(0, proof.indexOf('.'))
      const key = keys.get(JSON.parse(Buffer.from(header, 'base64url').toString()).jwk.x)
      const { input, signature } = partsOf(proof)
      verify(key, input, signature, (valid) =>
        done(valid ? undefined : new Error('Invalid signature')),
      )
    })
  }
}

/** Creates the keys of the clients, and for each a bound token and a bearer token. */
export function prepare({ issue }) {
  const issuance = issue()
  const clients = Array.from({ length: CLIENTS }, () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = publicKey.export({ format: 'jwk' })
    const jkt = hash(JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }))
    return {
      jwk,
      privateJwk: privateKey.export({ format: 'jwk' }),
      bound: issuance.token({ cnf: { jkt } }),
      bearer: issuance.token(),
    }
  })
  return { fixture: { clients }, issuer: issuance.issuer }
}

export const requests = {
  proof: ({ fixture, ...range }) =>
    repeat(fixture.clients, range).map((client) => ({
      headers: `Authorization: DPoP ${client.bound}\r\nDPoP: ${proofFor(client, client.bound)}\r\n`,
    })),
  'proof and bearer token': ({ fixture, ...range }) =>
    repeat(fixture.clients, range).map((client) => ({
      headers: `Authorization: Bearer ${client.bearer}\r\nDPoP: ${proofFor(client, client.bearer)}\r\n`,
    })),
}

const privateKeys = new Map()

function proofFor({ jwk, privateJwk }, token) {
  const key = privateKeys.get(jwk.x) ?? createPrivateKey({ key: privateJwk, format: 'jwk' })
  privateKeys.set(jwk.x, key)
  // A proof from the second in which the server started would be rejected.
  const iat = Math.floor(Date.now() / 1_000) + 1
  const claims = { jti: randomUUID(), htm: 'GET', htu: `${BASE_URL}/`, iat, ath: hash(token) }
  const input = `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk })}.${encode(claims)}`
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

function hash(text) {
  return createHash('sha256').update(text).digest('base64url')
}
