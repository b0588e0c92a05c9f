import { generateKeyPairSync, generatePrimeSync } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Algorithm } from '../../src/base/algorithms.js'
import { unwrap } from '../../src/errors/result.js'
import { importKeySet, KeySet, listOfSkipped } from '../../src/keys/key-set.js'
import {
  importVerificationKey,
  readVerificationKey,
  type VerificationKey,
} from '../../src/keys/verification-key.js'
import { assemble } from '../../src/server/assembly.js'
import { accepts, forge, rejects, serverFor } from '../fixtures/forgery.js'
import { AUDIENCE, ISSUER, makeKey, type TestKey } from '../fixtures/issuer.js'

const rsa = await makeKey('RS256')
const [p256, p384, p521, ed25519] = await Promise.all([
  makeKey('ES256'),
  makeKey('ES384'),
  makeKey('ES512'),
  makeKey('EdDSA'),
])

function jwk(key: TestKey, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...key.publicJwk, ...changes }
}

async function imported(member: unknown): Promise<VerificationKey> {
  const key = await importVerificationKey(member)
  if (key === undefined) throw new Error('not a usable key')
  return key
}

async function skips(t: Test, member: unknown, title: string): Promise<void> {
  t.equal(await importVerificationKey(member), undefined, title)
}

/** A key like `key` under another algorithm name, for signatures that the key does not permit. */
function as(alg: string, key: TestKey): TestKey {
  return { ...key, alg }
}

t.test('J1: a key verifies only the algorithm that its alg names', async (t) => {
  t.strictSame([...(await imported(rsa.publicJwk)).algorithms], ['RS256'])
  t.strictSame([...(await imported(p384.publicJwk)).algorithms], ['ES384'])
})

t.test('J13: without alg, a key verifies the algorithms that its kty and crv fit', async (t) => {
  for (const [key, algorithms] of [
    [rsa, ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    [p256, ['ES256']],
    [p384, ['ES384']],
    [p521, ['ES512']],
    [ed25519, ['EdDSA', 'Ed25519']],
  ] as const) {
    t.strictSame([...(await imported(jwk(key, { alg: undefined }))).algorithms], algorithms)
  }
})

t.test('makes every key a candidate once, with a kid or without', async (t) => {
  const keys = [
    await imported(jwk(rsa, { kid: undefined })),
    await imported(jwk(rsa, { kid: 'a' })),
  ] as const
  const set = new KeySet(keys)
  t.strictSame(set.find('RS256', undefined), keys)
  t.strictSame(set.find('RS256', 'a'), [keys[1]])
})

t.test('J13: skips a key whose alg is unsupported or does not fit its key type', async (t) => {
  for (const key of [rsa, p256, ed25519]) {
    for (const alg of [
      'ES384',
      'RSA-OAEP',
      'ECDH-ES',
      'none',
      'NONE',
      'HS256',
      'rs256',
      '',
      'constructor',
      '__proto__',
      5,
      [],
      ['RS256'],
      { toString: 'RS256' },
    ]) {
      await skips(t, jwk(key, { alg }), `${key.alg}, alg: ${JSON.stringify(alg)}`)
    }
  }
  await skips(t, jwk(p256, { alg: 'RS256' }), 'EC with RS256')
  await skips(t, jwk(rsa, { alg: 'ES256' }), 'RSA with ES256')
})

t.test('J13: accepts use "sig" or absent, and key_ops with "verify" or absent', async (t) => {
  for (const key of [rsa, p256, ed25519]) {
    for (const use of ['enc', 'SIG', '', 0, ['sig'], {}]) {
      await skips(t, jwk(key, { use }), `use: ${JSON.stringify(use)}`)
    }
    for (const operations of [['sign'], ['encrypt'], 'verify', '', {}, [['verify']], ['v']]) {
      await skips(t, jwk(key, { key_ops: operations }), `key_ops: ${JSON.stringify(operations)}`)
    }
    await skips(t, jwk(key, { key_ops: ['verify', 'verify'] }), 'RFC 7517 §4.3: no value twice')
    t.ok(await imported(jwk(key, { use: undefined, key_ops: ['verify'] })))
  }
})

t.test(
  'treats optional members that are null, and "key_ops" without a value, as absent',
  async (t) => {
    const optional = [
      'alg',
      'use',
      'kid',
      'key_ops',
      'ext',
      'x5c',
      'x5t',
      'x5t#S256',
      'x5u',
      'd',
      'k',
    ]
    for (const key of [rsa, p256, ed25519]) {
      const absent = await imported(jwk(key, { alg: undefined, kid: undefined, use: undefined }))
      const nulls = Object.fromEntries(optional.map((name) => [name, null]))
      t.equal((await imported(jwk(key, nulls))).fingerprint, absent.fingerprint)
      for (const name of optional) t.ok(await imported(jwk(key, { [name]: null })), name)
      t.ok(await imported(jwk(key, { key_ops: [] })))
      for (const name of ['kty', ...(key === rsa ? ['n', 'e'] : ['crv', 'x'])]) {
        await skips(t, jwk(key, { [name]: null }), `${name}: null`)
      }
    }
    t.equal((await imported(jwk(rsa, { issuer: null }))).issuer, null, 'which no token matches')
  },
)

t.test('reads only own members', async (t) => {
  const inherited = { use: 'enc', d: 'x', key_ops: ['sign'], alg: 'RSA-OAEP', ext: 1, kid: 5 }
  const { use: _, alg: __, kid: ___, ...bare } = rsa.publicJwk
  t.ok(await imported(Object.assign(Object.create(inherited), bare)))
  await skips(t, Object.create(rsa.publicJwk), 'a key with inherited members only')
})

t.test('skips coordinates whose length does not fit their curve', async (t) => {
  for (const key of [p256, p384, p521, ed25519]) {
    for (const name of key === ed25519 ? ['x'] : ['x', 'y']) {
      const bytes = Buffer.from(key.publicJwk[name as 'x'] as string, 'base64url')
      const spellings = {
        'a leading zero': Buffer.concat([Buffer.alloc(1), bytes]),
        'several leading zeros': Buffer.concat([Buffer.alloc(9), bytes]),
        'a trailing zero': Buffer.concat([bytes, Buffer.alloc(1)]),
        'without its first byte': bytes.subarray(1),
        'without its last byte': bytes.subarray(0, -1),
        nothing: Buffer.alloc(0),
      }
      for (const [title, changed] of Object.entries(spellings)) {
        for (const alg of [key.alg, undefined]) {
          const member = jwk(key, { [name]: changed.toString('base64url'), alg })
          t.match(await readVerificationKey(member), { reason: new RegExp(`"${name}" of`) }, title)
        }
      }
    }
  }
})

t.test('skips a coordinate without its leading zero', async (t) => {
  for (;;) {
    const key = await makeKey('ES256')
    const bytes = Buffer.from(key.publicJwk.x as string, 'base64url')
    if (bytes[0] !== 0) continue
    t.ok(await imported(key.publicJwk))
    await skips(t, jwk(key, { x: bytes.subarray(1).toString('base64url') }), 'RFC 7518 §6.2.1.2')
    return
  }
})

t.test('J14: skips RSA keys with an even or too large exponent', async (t) => {
  const bytes = (...values: number[]) => Buffer.from(values).toString('base64url')
  for (const e of [bytes(2), bytes(4), bytes(1, 0, 0), bytes(0, 1, 0, 2), bytes(0xff, 0xfe)]) {
    t.match(await readVerificationKey(jwk(rsa, { e })), { reason: /exponent that is even/ }, e)
  }
  const { n } = rsa.publicJwk
  for (const e of [n, `${n}AQAB`, bytes(1, 0, 0, 0, 1)]) {
    await skips(t, jwk(rsa, { e }), `e: ${e?.slice(0, 9)}`)
  }
})

t.test('J14: skips RSA keys whose modulus is prime', async (t) => {
  const prime = Buffer.from(generatePrimeSync(2048)).toString('base64url')
  const padded = Buffer.concat([Buffer.alloc(3), Buffer.from(prime, 'base64url')])
  for (const n of [prime, padded.toString('base64url')]) {
    const set = await importKeySet({ keys: [jwk(rsa, { n, kid: 'weak' }), p256.publicJwk] }, 9)
    t.equal(set.size, 1)
    t.match(set.skipped, [{ kid: '"weak"', reason: /a modulus that is prime/ }])
    t.match((await importKeySet({ keys: [rsa.publicJwk, jwk(rsa, { n })] }, 9)).size, 1)
  }
})

t.test('reports why each key is skipped', async (t) => {
  const { publicKey: short } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const reasons: [Record<string, unknown>, RegExp][] = [
    [short.export({ format: 'jwk' }), /^has 1024 bits; at least 2048 are required$/],
    [jwk(rsa, { use: 'enc' }), /^has "use": "enc" and not "sig"$/],
    [jwk(rsa, { use: ['sig'] }), /^has "use": <object> and not "sig"$/],
    [jwk(rsa, { alg: 'RSA-OAEP' }), /^has "alg": "RSA-OAEP", which is not a signature algorithm/],
    [jwk(rsa, { alg: 'RSA256\n' }), /^has "alg": "RSA256\\n", which/],
    [jwk(rsa, { alg: 7 }), /^has "alg": <number>, which/],
    [jwk(rsa, { kid: 7 }), /^has a "kid" that is not a string$/],
    [
      jwk(rsa, { n: undefined, e: undefined, x5c: ['MIIB'] }),
      /^has no "n" \(certificates in "x5c"/,
    ],
    [jwk(rsa, { e: undefined }), /^has no "e"$/],
    [jwk(p256, { y: undefined }), /^has no "y"$/],
    [jwk(rsa, { d: 'AA' }), /^is private \(it has "d"\)$/],
    [jwk(rsa, { k: 'AA' }), /^is a shared secret \(it has "k"\)$/],
    [jwk(rsa, { ext: 'yes' }), /^has an "ext" that is not a boolean$/],
    [jwk(rsa, { key_ops: 'verify' }), /^has "key_ops" that are not an array$/],
    [jwk(rsa, { key_ops: ['sign'] }), /^has "key_ops" without "verify"$/],
    [jwk(rsa, { key_ops: ['verify', 'verify'] }), /^has a duplicate in "key_ops"$/],
    [jwk(p256, { crv: 'secp256k1', alg: 'ES256K' }), /^is of a type that .*"secp256k1"\)$/],
    [jwk(p256, { x: p256.publicJwk.y, y: p256.publicJwk.x }), /^is malformed$/],
    [{ kid: 'nothing' }, /^is of a type that is not supported \("kty": absent\)$/],
    [{ kty: 'EC', x: 'AA', y: 'AA' }, /^has no "crv"$/],
    [{ kty: 'oct', kid: 'oct' }, /^is of a type that is not supported \("kty": "oct"\)$/],
  ]
  const keys = [...reasons.map(([member]) => member), p384.publicJwk, null]
  const { skipped, size } = await importKeySet({ keys }, 99)
  t.equal(size, 1)
  for (const [i, [, reason]] of reasons.entries()) t.match(skipped[i]?.reason, reason)
  t.match(skipped.at(-1), { kid: undefined, reason: 'is not a JSON object' })
  const unreadable = {
    get kty(): string {
      throw new Error('secret')
    },
  }
  t.match((await importKeySet({ keys: [p256.publicJwk, unreadable] }, 9)).skipped, [
    { reason: 'is malformed' },
  ])
})

t.test('reports why no key fits a token', async (t) => {
  const keys = [
    jwk(rsa, { kid: 'enc', use: 'enc' }),
    jwk(rsa, { kid: 'strong', alg: 'RS512' }),
    jwk(rsa, { kid: 7 }),
    jwk(ed25519, { kid: 'ed', alg: 'EdDSA' }),
  ]
  const set = await importKeySet({ keys }, 9)
  t.equal(
    set.whyNot('RS256', 'enc'),
    'a key with this "kid" that cannot be used: it has "use": "enc" and not "sig"',
  )
  t.match(set.whyNot('RS256', '7'), /cannot be used: it has a "kid" that is not a string/)
  t.equal(set.whyNot('RS256', 'strong'), 'a key with this "kid" for RS512 only')
  t.equal(set.whyNot('Ed25519', 'ed'), 'a key with this "kid" for EdDSA only')
  t.equal(set.whyNot('RS256', 'other'), 'no key with this "kid"')
  t.equal(set.whyNot('ES256', undefined), 'no key for ES256, and no "kid" in the token')
  t.match(set.reuseKeysFrom(set).whyNot('RS256', 'enc'), /cannot be used/, 'also after a refresh')
  const usable = await importKeySet({ keys: [p256.publicJwk] }, 9)
  t.equal(usable.whyNot('RS256', 'other'), 'no key with this "kid"')
})

t.test('lists ten of the skipped keys, in characters that are safe to log', async (t) => {
  const odd = Array.from({ length: 12 }, (_, i) => jwk(rsa, { use: 'enc', kid: `${i}\u001b[31m` }))
  const { skipped } = await importKeySet({ keys: [...odd, p256.publicJwk] }, 99)
  const lines = listOfSkipped(skipped)
  t.equal(lines.length, 11)
  t.equal(lines[0], 'the key "0\\u001b[31m" has "use": "enc" and not "sig"')
  t.equal(lines[10], '2 more')
  t.strictSame(listOfSkipped([{ kid: undefined, reason: 'is private' }]), [
    'the key without "kid" is private',
  ])
  await t.rejects(importKeySet({ keys: odd.slice(0, 1) }, 9), {
    message: /^no key in the key set can verify a signature: the key .* not "sig"$/,
  })
})

t.test('stops importing when the signal aborts', async (t) => {
  const signal = AbortSignal.abort(new Error('the deadline'))
  await t.rejects(importKeySet({ keys: [rsa.publicJwk] }, 9, signal), { message: 'the deadline' })
})

t.test('J13: skips values that are no public key', async (t) => {
  for (const member of [null, undefined, 5, 'x', true, [], [rsa.publicJwk], {}, { kty: 'RSA' }]) {
    await skips(t, member, JSON.stringify(member) ?? 'undefined')
  }
  for (const kty of ['rsa', 'oct', 'AKP', '', null, 5, 'constructor', '__proto__', ['RSA']]) {
    await skips(t, jwk(rsa, { kty }), `kty: ${JSON.stringify(kty)}`)
  }
  await skips(t, { kty: 'oct', k: 'c2VjcmV0', kid: 'a' }, 'a secret')
  await skips(t, { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }, 'a secret for HS256')
  for (const kid of [5, {}, ['a']]) await skips(t, jwk(rsa, { kid }), JSON.stringify(kid))
  for (const crv of ['P-384', 'p-256', 'secp256k1', '', null, undefined, 'Ed25519', ['P-256']]) {
    await skips(t, jwk(p256, { crv }), `EC, crv: ${JSON.stringify(crv)}`)
    await skips(t, jwk(p256, { crv, alg: undefined, y: 'AA' }), `EC, no alg, crv: ${crv}`)
  }
  for (const crv of ['Ed448', 'X25519', 'ed25519', 'P-256', undefined]) {
    await skips(t, jwk(ed25519, { crv }), `OKP, crv: ${crv}`)
  }
})

t.test('J13: skips a key with malformed members', async (t) => {
  await skips(t, jwk(p256, { x: p256.publicJwk.y, y: p256.publicJwk.x }), 'a point off the curve')
  await skips(t, jwk(p256, { x: undefined }), 'EC without x')
  await skips(t, jwk(p256, { y: '' }), 'EC, empty y')
  await skips(t, jwk(p256, { x: 'AAAA', y: 'AAAA' }), 'EC, a short point')
  await skips(t, jwk(rsa, { n: undefined }), 'RSA without n')
  await skips(t, jwk(rsa, { e: undefined }), 'RSA without e')
  await skips(t, jwk(rsa, { n: '' }), 'RSA, empty n')
  await skips(t, jwk(rsa, { e: '' }), 'RSA, empty e')
  await skips(t, jwk(rsa, { n: 5 }), 'RSA, n a number')
  await skips(t, jwk(ed25519, { x: 'AAAA' }), 'OKP, short')
  await skips(t, jwk(ed25519, { x: `${ed25519.publicJwk.x}AAAA` }), 'OKP, long')
})

t.test('skips a private key, because it is compromised or published by mistake', async (t) => {
  for (const key of [rsa, p256, ed25519]) {
    const secret = key.privateKey.export({ format: 'jwk' })
    await skips(t, { ...secret, alg: key.alg }, key.alg)
    await skips(t, jwk(key, { d: '' }), `${key.alg}, d empty`)
    await skips(t, jwk(key, { k: 'AAAA' }), `${key.alg}, k`)
    await t.rejects(serverFor([{ ...key, publicJwk: { ...secret, alg: key.alg } as never }]), {
      name: 'TypeError',
    })
  }
})

t.test('J14: skips RSA keys of less than 2048 bits', async (t) => {
  for (const bits of [512, 1024, 2047]) {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
    const small = publicKey.export({ format: 'jwk' })
    await skips(t, small, `${bits} bits`)
    await skips(t, { ...small, alg: 'RS256', use: 'sig', kid: 'a' }, `${bits} bits, RS256`)
    const padded = Buffer.concat([Buffer.alloc(256), Buffer.from(small.n as string, 'base64url')])
    await skips(t, { ...small, n: padded.toString('base64url') }, `${bits} bits with zeros before`)

    const weak: TestKey = { alg: 'RS256', publicJwk: { ...small, kid: 'weak' }, privateKey }
    await rejects(t, await serverFor([weak, p256]), forge(weak), 'key', `${bits}: beside another`)
  }
})

t.test('J14: skips RSA keys whose exponent makes forgery trivial', async (t) => {
  for (const e of ['AQ', 'AAE', 'AA', 'AAAA']) {
    await skips(t, jwk(rsa, { e }), `e: ${e}`)
    await skips(t, jwk(rsa, { e, alg: undefined }), `e: ${e}, no alg`)
  }
  // With e = 1 the padded hash is its own signature, so forging needs no private key.
  const one: TestKey = { ...rsa, publicJwk: { ...rsa.publicJwk, kid: 'one', e: 'AQ' } }
  const server = await serverFor([one, p256])
  await rejects(t, server, forge(one), 'key', 'a token for it')
  t.ok(await imported(jwk(rsa, { e: 'AQAB', crv: 'P-256' })), 'an unused crv has no effect')
})

t.test('skips one invalid key and keeps the others', async (t) => {
  const { keys: _, ...odd } = { keys: 0, kty: 'EC', crv: 'P-256', x: '', y: '' }
  const set = await importKeySet({ keys: [null, 5, odd, p256.publicJwk, { kty: 'oct' }] }, 5)
  t.equal(set.size, 1)
  t.equal(set.named('ES256', 'es256').length, 1)
  t.strictSame(set.named('ES256', 'constructor'), [])
})

t.test('skips neither set nor key because of members too deep to serialize', async (t) => {
  const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
  const odd = [jwk(rsa, { crv: deep }), jwk(rsa, { issuer: deep }), jwk(p256, { issuer: deep })]
  const set = await importKeySet({ keys: [...odd, ed25519.publicJwk] }, 5)
  t.equal(set.named('EdDSA', 'eddsa').length, 1)
  t.equal(set.size, 4)
  const again = await importKeySet({ keys: odd }, 5)
  t.equal(again.reuseKeysFrom(set).find('ES256', undefined)[0], set.find('ES256', undefined)[0])
})

t.test('rejects an unusable JWK Set, with the reason', async (t) => {
  for (const odd of [null, undefined, 'x', [], {}, { keys: {} }, { keys: null }, { keys: 'x' }]) {
    await t.rejects(importKeySet(odd, 5), { name: 'TypeError', message: /no "keys" array/ })
  }
  await t.rejects(importKeySet({ keys: [] }, 5), { message: 'the key set is empty' })
  await t.rejects(importKeySet({ keys: [{}, {}] }, 5), { message: /no key in the key set/ })
  await t.rejects(importKeySet({ keys: Array(6).fill(p256.publicJwk) }, 5), {
    message: /more than/,
  })
  t.equal((await importKeySet({ keys: Array(5).fill(p256.publicJwk) }, 5)).size, 5)
  await t.rejects(serverFor([]), {
    name: 'TypeError',
    message: /^"jwks.keys" option must be an array of one or more keys/,
  })
})

t.test('J7: uses a kid only for lookup', async (t) => {
  const set = await importKeySet({ keys: [jwk(p256, { kid: 'a' })] }, 5)
  for (const kid of ['__proto__', 'constructor', 'toString', 'A', 'a ', '', ' a', 'a\0', '../a']) {
    t.strictSame(set.find('ES256', kid), [], JSON.stringify(kid))
  }
  t.equal(set.find('ES256', 'a').length, 1)
  const named = await importKeySet(
    { keys: ['__proto__', 'constructor', ''].map((kid) => jwk(p256, { kid })) },
    5,
  )
  for (const kid of ['__proto__', 'constructor', '']) {
    t.equal(named.find('ES256', kid)[0]?.kid, kid, `a key may be called ${JSON.stringify(kid)}`)
  }
  t.strictSame(named.find('ES256', 'toString'), [])
})

t.test('J13: chooses the keys that fit the algorithm among several with one kid', async (t) => {
  const all = [rsa, p256, p384, p521, ed25519]
  const shared = all.map((key) => ({ ...key, publicJwk: { ...key.publicJwk, kid: 'same' } }))
  const server = await serverFor(shared)
  for (const key of shared) await accepts(t, server, forge(key), `${key.alg} under the shared kid`)

  const set = await importKeySet({ keys: shared.map(({ publicJwk }) => publicJwk) }, 9)
  for (const [index, key] of shared.entries()) {
    const found = set.find(key.alg as Algorithm, 'same')
    t.equal(found.length, 1)
    t.ok(found[0]?.material.equals((await imported(shared[index]?.publicJwk)).material), key.alg)
  }
  t.strictSame(set.find('PS256', 'same'), [], 'none for an algorithm that no key names')

  const other = await makeKey('ES256', 'same')
  const twins = await serverFor([{ ...p256, publicJwk: jwk(p256, { kid: 'same' }) }, other])
  await accepts(t, twins, forge(other), 'the second of two keys with the same type and kid')
})

t.test('J1: requires that the algorithm fits the key that the kid names', async (t) => {
  const open = [rsa, p256, p384, p521, ed25519].map((key) => ({
    ...key,
    publicJwk: jwk(key, { alg: undefined }),
  }))
  const server = await serverFor(open)
  for (const key of open) {
    for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
      const fits = (await imported(key.publicJwk)).algorithms.has(alg as Algorithm)
      const raw = forge(key, { header: { alg } })
      if (alg === key.alg) await accepts(t, server, raw, `${alg} with its key`)
      else if (fits)
        await rejects(t, server, raw, 'signature', `${alg} with a ${key.alg} signature`)
      else await rejects(t, server, raw, 'key', `${alg} with the key of ${key.alg}`)
    }
  }
  const p256ForEs384 = { ...as('ES384', p256), publicJwk: open[1]?.publicJwk as never }
  await rejects(t, server, forge(p256ForEs384), 'key', 'J13: a P-256 key signs an ES384 token')
  await accepts(t, server, forge({ ...as('PS256', rsa), publicJwk: open[0]?.publicJwk as never }))
  const strict = await serverFor([rsa])
  await rejects(t, strict, forge(as('PS256', rsa)), 'key', 'PS256 with a key whose alg is RS256')
})

t.test('J15: tries every compatible key without kid, at most sixteen', async (t) => {
  const keys = await Promise.all(Array.from({ length: 17 }, (_, i) => makeKey('ES256', `k${i}`)))
  const set = await importKeySet({ keys: [rsa, ...keys, ed25519].map((k) => k.publicJwk) }, 99)
  t.equal(set.find('ES256', undefined).length, 16)
  t.equal(set.find('RS256', undefined).length, 1)
  t.equal(set.find('ES384', undefined).length, 0)

  const server = await serverFor([rsa, ...keys, ed25519])
  const nameless = { header: { kid: undefined } }
  for (const key of [rsa, ed25519, ...keys.slice(0, 16)]) {
    await accepts(t, server, forge(key, nameless), `without kid: ${key.publicJwk.kid}`)
  }
  const last = keys[16] as TestKey
  await rejects(t, server, forge(last, nameless), 'signature', 'the seventeenth')
  await accepts(t, server, forge(last), 'the seventeenth, by its kid')
  const outsider = await makeKey('ES256')
  await rejects(t, server, forge(outsider, nameless), 'signature', 'a key outside the set')
  await rejects(t, server, forge(await makeKey('ES384'), nameless), 'key', 'no compatible key')

  const same = keys.map(({ publicJwk }) => ({ ...publicJwk, kid: 'same' }))
  t.equal((await importKeySet({ keys: same }, 99)).find('ES256', 'same').length, 16)
})

t.test('J15: uses a key without kid only for tokens without kid', async (t) => {
  const nameless = await makeKey('ES256', undefined)
  const server = await serverFor([{ ...nameless, publicJwk: jwk(nameless, { kid: undefined }) }])
  await accepts(t, server, forge(nameless, { header: { kid: undefined } }))
  await rejects(t, server, forge(nameless, { header: { kid: 'es256' } }), 'key')
})

t.test('keeps the key object of an unchanged key through a refresh', async (t) => {
  const load = (members: unknown[]) => importKeySet({ keys: members }, 9)
  const before = await load([p256.publicJwk, p384.publicJwk])
  const [key] = before.find('ES256', 'es256') as [VerificationKey]
  t.ok(before.has(key))
  t.equal(before.reuseKeysFrom(undefined), before)
  const after = (await load([ed25519.publicJwk, p256.publicJwk])).reuseKeysFrom(before)
  t.equal(after.find('ES256', 'es256')[0], key)
  t.ok(after.has(key))
  t.equal(after.size, 2)
  t.notOk(after.has(before.find('ES384', 'es384')[0] as VerificationKey))

  for (const [title, member] of Object.entries({
    'another key under its kid': (await makeKey('ES256')).publicJwk,
    'the key under another kid': jwk(p256, { kid: 'other' }),
    'a key of another type': p384.publicJwk,
  })) {
    t.notOk((await load([member])).reuseKeysFrom(before).has(key), title)
  }
  const open = await load([jwk(rsa, { alg: undefined })])
  const [any] = open.find('PS256', 'rs256') as [VerificationKey]
  t.notOk((await load([rsa.publicJwk])).reuseKeysFrom(open).has(any), 'a key that lost algorithms')
  t.equal(new KeySet([]).size, 0)
})

t.test('uses a shared secret for its own algorithms, regardless of kid', async (t) => {
  const { issuers } = await assemble({
    issuer: ISSUER,
    audience: AUDIENCE,
    secret: Buffer.alloc(64, 1),
    algorithms: ['HS256', 'HS512'],
  })
  const { keys } = unwrap(await issuers.resolve({ iss: ISSUER }, undefined))
  const [key] = (await keys.find('HS256', 'anything')) as [VerificationKey]
  t.equal(key.material.type, 'secret')
  t.strictSame(await keys.find('HS384', undefined), [])
  t.strictSame(await keys.find('RS256', undefined), [])
  t.ok(keys.trusts(key))
  keys.close()
})
