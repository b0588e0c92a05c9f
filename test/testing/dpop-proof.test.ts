import { createHash } from 'node:crypto'
import {
  calculateJwkThumbprint,
  decodeJwt,
  decodeProtectedHeader,
  EmbeddedJWK,
  jwtVerify,
} from 'jose'
import t from 'tap'
import { type DPoPKey, dpopProof, generateDPoPKey } from '../../src/testing/index.js'

const url = 'https://api.example/orders?page=2#top'
const key = await generateDPoPKey()

for (const algorithm of [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const) {
  t.test(`P1: proves with ${algorithm} so that jose can verify it`, async (t) => {
    const key = await generateDPoPKey(algorithm)
    t.equal(key.thumbprint, await calculateJwkThumbprint(key.publicKey))
    const proof = await dpopProof({ key, url })
    const { protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { algorithms: [algorithm] })
    t.same(protectedHeader, { typ: 'dpop+jwt', alg: algorithm, jwk: key.jwk })
    t.notOk('d' in key.jwk)
  })
}

t.test('P1: says what the request is, without query and fragment', async (t) => {
  const proof = await dpopProof({
    key,
    url,
    method: 'POST',
    accessToken: 'the-token',
    nonce: 'n1',
    now: () => 1_800_000_000_999,
  })
  const claims = decodeJwt(proof)
  t.match(claims.jti, /^[\da-f-]{36}$/)
  t.same(claims, {
    jti: claims.jti,
    htm: 'POST',
    htu: 'https://api.example/orders',
    iat: 1_800_000_000,
    ath: createHash('sha256').update('the-token').digest('base64url'),
    nonce: 'n1',
  })
})

t.test('needs no more than a URL: a new key, a GET, now, and neither ath nor nonce', async (t) => {
  const before = Math.floor(Date.now() / 1000)
  const proof = await dpopProof({ url: new URL(url) })
  const claims = decodeJwt(proof)
  t.same(Object.keys(claims).sort(), ['htm', 'htu', 'iat', 'jti'])
  t.equal(claims.htm, 'GET')
  t.ok((claims.iat as number) >= before && (claims.iat as number) <= Date.now() / 1000)
  await t.resolves(jwtVerify(proof, EmbeddedJWK))
  const other = await dpopProof({ url })
  t.not(decodeJwt(other).jti, claims.jti)
  t.notSame(decodeProtectedHeader(other).jwk, decodeProtectedHeader(proof).jwk)
})

t.test('makes proofs that are wrong as a test wants them', async (t) => {
  const proof = await dpopProof({
    key,
    url,
    claims: { jti: undefined, iat: 'yesterday', htu: 'HTTPS://API.example:443/orders', extra: 1 },
    header: { typ: 'JWT', alg: 'HS256', jwk: undefined, crit: [] },
  })
  t.same(decodeJwt(proof), {
    htm: 'GET',
    htu: 'HTTPS://API.example:443/orders',
    iat: 'yesterday',
    extra: 1,
  })
  const [header, claims, signature] = proof.split('.') as [string, string, string]
  t.same(JSON.parse(Buffer.from(header, 'base64url').toString()), {
    typ: 'JWT',
    alg: 'HS256',
    crit: [],
  })
  t.ok(
    await crypto.subtle.verify(
      { name: 'ECDSA', hash: 'SHA-256' },
      key.publicKey,
      Buffer.from(signature, 'base64url'),
      Buffer.from(`${header}.${claims}`),
    ),
    'signed with the key all the same',
  )
})

t.test('leaves the signature of alg none empty', async (t) => {
  const proof = await dpopProof({ key, url, header: { alg: 'none' } })
  t.match(proof, /^[\w-]+\.[\w-]+\.$/)
})

t.test('refuses what it cannot make a proof of', async (t) => {
  const refused = (options: object, message: RegExp) =>
    t.rejects(dpopProof({ url, ...options }), { name: 'TypeError', message })
  await refused({ token: 'x' }, /^Unknown option "token" of dpopProof/)
  await refused({ url: '/orders' }, /^"url" must be an absolute URL/)
  await refused({ key: 'k' }, /^"key" must be a key of generateDPoPKey\(\)$/)
  await refused({ key: null }, /^"key" must be/)
  await refused({ key: { ...key, jwk: null } }, /^"key" must be/)
  await refused({ key: { ...key, privateKey: undefined } }, /^"key" must be/)
  await refused({ method: '' }, /^"method" must be a non-empty string/)
  await refused({ accessToken: 1 }, /^"accessToken" must be/)
  await refused({ nonce: '' }, /^"nonce" must be/)
  await refused({ now: 1 }, /^"now" must be a function/)
  await t.rejects(generateDPoPKey('HS256' as DPoPKey['algorithm']), {
    name: 'TypeError',
    message: /^"algorithm" must be one of RS256/,
  })
})
