/** ML-DSA signatures (RFC 9964), and the behavior of runtimes that cannot verify them. */
import { createHash, createPublicKey } from 'node:crypto'
import t, { type Test } from 'tap'
import { HAS_ML_DSA } from '../../src/base/ml-dsa.js'
import type { PluginOptions } from '../../src/index.js'
import { readVerificationKey, type VerificationKey } from '../../src/keys/verification-key.js'
import { accessTokenHash } from '../../src/testing/authorization-server/tokens/token-claims.js'
import {
  createAuthorizationServer,
  dpopProof,
  generateDPoPKey,
  passwordGrant,
  testClient,
  testUser,
} from '../../src/testing/index.js'
import { isSignedBy } from '../../src/token/signature.js'
import { makeKey, sign } from '../fixtures/issuer.js'
import { bearer, key, protectedApi } from '../fixtures/protected-api.js'

const NAMES = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const
const BYTES = { 'ML-DSA-44': 1312, 'ML-DSA-65': 1952, 'ML-DSA-87': 2592 }
const supported = HAS_ML_DSA ? {} : { skip: 'this runtime has no ML-DSA' }
const unsupported = HAS_ML_DSA ? { skip: 'this runtime has ML-DSA' } : {}
const akp = (alg: keyof typeof BYTES) => ({
  kty: 'AKP',
  kid: alg,
  alg,
  pub: Buffer.alloc(BYTES[alg], 7).toString('base64url'),
})

async function apiWith(t: Test, options: Partial<PluginOptions>) {
  const app = await protectedApi(t, options)
  app.get('/', () => 'ok')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    app,
    url,
    statusOf: async (token: string) => (await fetch(url, { headers: bearer(token) })).status,
  }
}

for (const algorithm of NAMES) {
  t.test(`A3: accepts tokens of ${algorithm} over HTTP`, supported, async (t) => {
    await using server = await createAuthorizationServer({ algorithm })
    const { issuer } = server
    const { statusOf } = await apiWith(t, { issuer, jwks: {} })
    const { access_token: token } = await passwordGrant({
      ...testClient,
      ...testUser,
      issuer,
      scope: 'openid orders:read',
    })
    t.ok(
      token.length < 8_192,
      `${token.length} characters are within the default of maxTokenLength`,
    )
    t.equal(await statusOf(token), 200)
    t.equal(await statusOf(token), 200, 'again')
    const [header, payload, signature = ''] = token.split('.')
    const bytes = Buffer.from(signature, 'base64url')
    for (const [title, changed] of [
      ['a changed byte', Buffer.from(bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte)))],
      ['a truncated signature', bytes.subarray(1)],
      ['a longer signature', Buffer.concat([bytes, Buffer.alloc(1)])],
      ['zeros', Buffer.alloc(bytes.length)],
    ] as const) {
      const forged = `${header}.${payload}.${changed.toString('base64url')}`
      t.equal(await statusOf(forged), 401, title)
    }
  })
}

t.test('A3: uses a key only for its own algorithm', supported, async (t) => {
  const [small, large] = [await makeKey('ML-DSA-44', 'a'), await makeKey('ML-DSA-65', 'b')]
  const { alg, ...withoutAlg } = small.publicJwk
  const { statusOf } = await apiWith(t, { jwks: { keys: [small.publicJwk, large.publicJwk] } })
  t.equal(await statusOf(await sign(small)), 200)
  t.equal(await statusOf(await sign(large)), 200)
  t.equal(await statusOf(await sign(small, {}, { header: { kid: 'b' } })), 401)
  t.equal(await statusOf(await sign(await makeKey('ML-DSA-44', 'a'))), 401, 'another key')
  t.equal(await statusOf(await sign(key)), 401)
  t.match(await readVerificationKey(withoutAlg), { reason: /has "alg": absent/ })
  t.match(await readVerificationKey({ ...small.publicJwk, alg: 'ML-DSA-65' }), {
    reason: 'has "pub" of 1312 bytes; ML-DSA-65 requires 1952',
  })
  t.match(await readVerificationKey({ ...small.publicJwk, alg: 'ES256' }), { reason: /"ES256"/ })
  t.match(await readVerificationKey({ ...small.publicJwk, pub: undefined }), { reason: /no "pub"/ })
})

t.test('verifies in the thread pool, even if the caller allows inline', supported, async (t) => {
  const signer = await makeKey('ML-DSA-87')
  const [header, payload, signature = ''] = (await sign(signer)).split('.')
  const verificationKey = (await readVerificationKey(signer.publicJwk)) as VerificationKey
  const signed = {
    signingInput: `${header}.${payload}`,
    signature: Buffer.from(signature, 'base64url'),
  }
  const result = isSignedBy(verificationKey, 'ML-DSA-87', signed, true)
  t.type(result, Promise)
  t.equal(await result, true)
})

t.test('accepts a static key as PEM and as CryptoKey', supported, async (t) => {
  const signer = await makeKey('ML-DSA-65')
  const publicKey = createPublicKey(signer.privateKey)
  const pem = `${publicKey.export({ format: 'pem', type: 'spki' })}`
  const cryptoKey = await crypto.subtle.importKey(
    'jwk',
    signer.publicJwk as never,
    'ML-DSA-65',
    true,
    ['verify'],
  )
  for (const form of [pem, publicKey, cryptoKey]) {
    const { statusOf } = await apiWith(t, { jwks: { keys: [form] } })
    t.equal(await statusOf(await sign(signer)), 200)
    t.equal(await statusOf(await sign(await makeKey('ML-DSA-65'))), 401)
  }
})

t.test('accepts DPoP proofs of ML-DSA only if the option lists it', supported, async (t) => {
  for (const algorithm of NAMES) {
    const dpopKey = await generateDPoPKey(algorithm)
    const cnf = { jkt: dpopKey.thumbprint }
    const token = await sign(key, { cnf })
    for (const [algorithms, status] of [
      [[algorithm], 200],
      [undefined, 401],
    ] as const) {
      const { url } = await apiWith(t, { dpop: algorithms ? { algorithms } : 'allowed' })
      const proof = await dpopProof({
        key: dpopKey,
        method: 'GET',
        url: `${url}/`,
        accessToken: token,
      })
      const response = await fetch(`${url}/`, {
        headers: { authorization: `DPoP ${token}`, dpop: proof },
      })
      t.equal(response.status, status, `${algorithm}, ${proof.length} characters`)
      const challenge = response.headers.get('www-authenticate') ?? ''
      if (status === 401) t.notMatch(challenge, 'ML-DSA')
    }
  }
})

t.test('A3: skips keys of other runtimes, and says what they need', unsupported, async (t) => {
  const requires = /requires Node 24\.6 or later with OpenSSL 3\.5 or later; this is Node /
  for (const name of NAMES) {
    const skipped = await readVerificationKey(akp(name))
    t.match(skipped, { reason: /^is of a type that is not supported \("kty": "AKP"\)\. ML-DSA/ })
    t.match(skipped, { reason: requires })
    const options = [{ algorithms: [name] }, { dpop: { algorithms: [name] } }]
    for (const option of options) await t.rejects(protectedApi(t, option), { message: requires })
    await t.rejects(createAuthorizationServer({ algorithm: name }), { message: requires })
    await t.rejects(generateDPoPKey(name), { message: requires })
  }
  await t.resolves(protectedApi(t, { jwks: { keys: [akp('ML-DSA-65'), key.publicJwk] } }))
})

t.test('A3: promises ML-DSA in metadata only where the runtime has it', async (t) => {
  await using server = await createAuthorizationServer({ algorithm: 'ES256' })
  const response = await fetch(`${server.issuer}/.well-known/openid-configuration`)
  const metadata = (await response.json()) as Record<string, string[]>
  for (const member of [
    'token_endpoint_auth_signing_alg_values_supported',
    'dpop_signing_alg_values_supported',
  ]) {
    t.equal(metadata[member]?.includes('ML-DSA-65'), HAS_ML_DSA, member)
  }
})

t.test('rejects a private key, and a key with a foreign member', async (t) => {
  t.match(await readVerificationKey({ ...akp('ML-DSA-44'), priv: 'AA' }), {
    reason: 'is private (it has "priv")',
  })
  await using server = await createAuthorizationServer({ algorithm: 'ES256' })
  t.throws(() => server.publishKey({ ...akp('ML-DSA-44'), priv: 'AA' }), /without private/)
})

t.test('the at_hash of an ID token with ML-DSA is half of a SHAKE256 hash', async (t) => {
  const atHash = accessTokenHash({ token: 'token', algorithm: 'ML-DSA-65' })
  const expected = createHash('shake256', { outputLength: 32 }).update('token').digest('base64url')
  t.equal(atHash, expected)
})
