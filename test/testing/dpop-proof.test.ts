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
  t.test(`P1: signs proofs with ${algorithm} that jose verifies`, async (t) => {
    const key = await generateDPoPKey(algorithm)
    t.equal(key.thumbprint, await calculateJwkThumbprint(key.publicKey))
    const proof = await dpopProof({ key, url })
    const { protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { algorithms: [algorithm] })
    t.same(protectedHeader, { typ: 'dpop+jwt', alg: algorithm, jwk: key.jwk })
    t.notOk('d' in key.jwk)
  })
}

t.test('P1: names the method and the URL without query and fragment', async (t) => {
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

t.test(
  'requires only a URL; defaults to a new key, GET, now, and neither ath nor nonce',
  async (t) => {
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
  },
)

t.test('creates invalid proofs on demand', async (t) => {
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
    'still signed with the given key',
  )
})

t.test('creates an empty signature for alg none', async (t) => {
  const proof = await dpopProof({ key, url, header: { alg: 'none' } })
  t.match(proof, /^[\w-]+\.[\w-]+\.$/)
})

t.test('rejects invalid options', async (t) => {
  const rejects = (options: object, message: RegExp) =>
    t.rejects(dpopProof({ url, ...options }), { name: 'TypeError', message })
  await rejects({ token: 'x' }, /^Unknown option "token" of dpopProof/)
  await rejects({ url: '/orders' }, /^"url" must be an absolute URL/)
  await rejects({ key: 'k' }, /^"key" must be a key of generateDPoPKey\(\)$/)
  await rejects({ key: null }, /^"key" must be/)
  await rejects({ key: { ...key, jwk: null } }, /^"key" must be/)
  await rejects({ key: { ...key, privateKey: undefined } }, /^"key" must be/)
  await rejects({ method: '' }, /^"method" must be a non-empty string/)
  await rejects({ accessToken: 1 }, /^"accessToken" must be/)
  await rejects({ nonce: '' }, /^"nonce" must be/)
  await rejects({ now: 1 }, /^"now" must be a function/)
  await t.rejects(generateDPoPKey('HS256' as DPoPKey['algorithm']), {
    name: 'TypeError',
    message: /^"algorithm" must be one of RS256/,
  })
})
