/** Static keys in the forms in which operators have them, through the API. */
import { createHmac, createPublicKey, type KeyObject } from 'node:crypto'
import t, { type Test } from 'tap'
import { createResourceServer, type ResourceServer, type StaticKey } from '../../src/index.js'
import { AUDIENCE, claims, ISSUER, makeKey, sign, type TestKey } from '../fixtures/issuer.js'
import { bearer, protectedApi } from '../fixtures/protected-api.js'

const rsa = await makeKey('RS256', 'rsa')
const ec = await makeKey('ES256', 'ec')
const ed = await makeKey('Ed25519', 'ed')
const foreign = await makeKey('ES256', 'foreign')

const publicKeyOf = (key: TestKey): KeyObject => createPublicKey(key.privateKey)
const pemOf = (key: TestKey) => `${publicKeyOf(key).export({ format: 'pem', type: 'spki' })}`

async function serverWith(t: Test, ...keys: StaticKey[]): Promise<ResourceServer> {
  const server = await createResourceServer({ issuer: ISSUER, audience: AUDIENCE, jwks: { keys } })
  t.teardown(() => server.close())
  return server
}

const rejection = async (server: ResourceServer, token: string) =>
  server.verify(token).then(
    () => 'accepted',
    (error) => error.check,
  )

t.test('accepts tokens of a PEM key over HTTP, with any kid', async (t) => {
  const app = await protectedApi(t, { jwks: { keys: [pemOf(ec)] } })
  app.get('/', () => 'ok')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const statusOf = async (token: string) => (await fetch(url, { headers: bearer(token) })).status
  for (const kid of ['ec', 'rotated', undefined]) {
    t.equal(await statusOf(await sign(ec, {}, { header: { kid } })), 200, `${kid}`)
    t.equal(await statusOf(await sign(foreign, {}, { header: { kid } })), 401, `forged ${kid}`)
  }
  t.match(app.resourceServer.keySetStatus(), [{ state: 'static', keys: 1 }])
})

t.test('derives the algorithms from the key', async (t) => {
  const server = await serverWith(t, pemOf(rsa), publicKeyOf(ec), pemOf(ed))
  for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']) {
    t.equal(await rejection(server, await sign({ ...rsa, alg })), 'accepted', alg)
  }
  for (const alg of ['EdDSA', 'Ed25519']) {
    t.equal(await rejection(server, await sign({ ...ed, alg })), 'accepted', alg)
  }
  t.equal(await rejection(server, await sign(ec)), 'accepted')
  const other = await makeKey('ES384', 'other')
  t.equal(await rejection(server, await sign(other)), 'key', 'of another curve')
  t.match(await server.verify(await sign(other)).catch(({ reason }) => reason), {
    found: 'no key with this "kid", and no key without "kid" for ES384',
  })
})

t.test('tries a key without kid only if no key has the kid of the token', async (t) => {
  const server = await serverWith(
    t,
    { ...foreign.publicJwk, kid: 'named' },
    pemOf(ec),
    rsa.publicJwk,
  )
  t.equal(await rejection(server, await sign(ec)), 'accepted', 'unknown kid')
  t.equal(await rejection(server, await sign(ec, {}, { header: { kid: undefined } })), 'accepted')
  for (const [kid, check] of [
    ['named', 'signature'],
    ['rsa', 'key'],
  ]) {
    t.equal(await rejection(server, await sign(ec, {}, { header: { kid } })), check, `${kid}`)
  }
})

t.test('verifies a forged token with at most 16 keys', async (t) => {
  const keys = await Promise.all(Array.from({ length: 17 }, () => makeKey('ES256')))
  const pems = keys.map(pemOf)
  await t.rejects(serverWith(t, ...pems), {
    name: 'TypeError',
    message:
      '"jwks.keys" option has 17 keys that are no JWKs, but at most 16 keys are tried for one token: pass JWKs with "kid"',
  })
  const server = await serverWith(t, ...pems.slice(1), ec.publicJwk)
  t.equal(await rejection(server, await sign(foreign)), 'signature')
  t.equal(server.statistics().signatureVerifications, 16)
  t.equal(await rejection(server, await sign(keys[16] as TestKey)), 'accepted')
})

t.test('never uses the bytes of a public key as a secret', async (t) => {
  const pem = pemOf(rsa)
  const server = await serverWith(t, pem, publicKeyOf(ec))
  for (const secret of [pem, pem.trim(), publicKeyOf(ec).export({ format: 'der', type: 'spki' })]) {
    for (const header of [{ alg: 'HS256' }, { alg: 'HS256', kid: 'rsa' }]) {
      const input = [header, claims()]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.')
      const mac = createHmac('sha256', secret).update(input).digest('base64url')
      t.equal(await rejection(server, `${input}.${mac}`), 'algorithm')
    }
  }
})
