/**
 * Published vulnerabilities of other JWT libraries by class, each with the token that exploits it.
 * `attacks.test.ts` has more variants of some classes, `keys/jwks-cache.test.ts` the key fetches,
 * and `differential/` the encodings.
 */
import crypto, {
  createHmac,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import zlib, { deflateRawSync } from 'node:zlib'
import { CompactEncrypt } from 'jose'
import t from 'tap'
import { countCallsOf } from '../fixtures/count-calls.js'
import {
  accepts,
  forge,
  goodClaims,
  goodHeader,
  NOW,
  outcome,
  rejects,
  serverFor,
  signed,
} from '../fixtures/forgery.js'
import { AUDIENCE, base64url, ISSUER, makeKey } from '../fixtures/issuer.js'
import { startKeyServer } from '../fixtures/key-server.js'

const [rs256, es256, eddsa, mallory] = await Promise.all([
  makeKey('RS256'),
  makeKey('ES256'),
  makeKey('EdDSA'),
  makeKey('ES256', 'mallory'),
])
const server = await serverFor([rs256, es256, eddsa])
/** The same keys without `alg` and `use`, as issuers often publish them. */
const bare = await serverFor(
  [rs256, es256, eddsa].map((key) => {
    const { kty, n, e, crv, x, y, kid } = key.publicJwk
    return { ...key, publicJwk: JSON.parse(JSON.stringify({ kty, n, e, crv, x, y, kid })) }
  }),
)
const SECRET = Buffer.alloc(32, 7)
const secretOptions = { jwks: {}, secret: SECRET, algorithms: ['HS256' as const] }

/** Key derivation, decryption and decompression. */
const COSTLY: readonly [target: object, methods: string][] = [
  [crypto, 'pbkdf2 pbkdf2Sync hkdf hkdfSync diffieHellman privateDecrypt createDecipheriv'],
  [
    Object.getPrototypeOf(crypto.webcrypto.subtle),
    'deriveBits deriveKey decrypt unwrapKey importKey',
  ],
  [zlib, 'inflate inflateSync inflateRaw inflateRawSync createInflate createInflateRaw'],
]

/** Returns a token with this `alg` in its header and an HMAC with these bytes as the secret. */
function hmacToken(secret: string | Uint8Array, header: Record<string, unknown>): string {
  const input = `${base64url({ typ: 'at+jwt', ...header })}.${base64url(goodClaims())}`
  const hash = `${header.alg}`.endsWith('512') ? 'sha512' : 'sha256'
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`
}

function published(key: { publicJwk: object }): KeyObject {
  return createPublicKey({ key: key.publicJwk as never, format: 'jwk' })
}

t.test(
  'algorithm confusion: CVE-2015-9235, CVE-2016-5431, CVE-2016-10555, CVE-2022-23541, ' +
    'CVE-2023-48238, CVE-2024-37568, CVE-2024-54150, CVE-2026-22817, CVE-2026-22818, CVE-2026-48526',
  async (t) => {
    for (const key of [rs256, es256, eddsa]) {
      const pem = published(key).export({ type: 'spki', format: 'pem' })
      const header = { alg: 'HS256', kid: key.publicJwk.kid }
      await rejects(t, server, hmacToken(pem, header), 'algorithm', `${key.alg}, named`)
      await rejects(t, bare, hmacToken(pem, header), 'algorithm', `${key.alg}, a key without alg`)
      const disguised = hmacToken(pem, { ...header, alg: key.alg })
      await rejects(t, bare, disguised, 'signature', `an HMAC that says ${key.alg}`)
    }
    await t.rejects(serverFor([rs256], { algorithms: ['RS256', 'HS256'] }), TypeError)
    await t.rejects(serverFor([rs256], { secret: SECRET, algorithms: ['HS256'] }), TypeError)
  },
)

t.test(
  'public keys in formats that a deny list misses: CVE-2017-11424, CVE-2022-29217, CVE-2023-48223, ' +
    'CVE-2024-33663, CVE-2026-34950, GHSA-ww5h-9m49-7xx4',
  async (t) => {
    const spki = published(rs256).export({ type: 'spki', format: 'pem' }) as string
    const pkcs1 = published(rs256).export({ type: 'pkcs1', format: 'pem' }) as string
    const raw = Buffer.from(eddsa.publicJwk.x as string, 'base64url')
    const ssh = `ssh-ed25519 ${Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0 '), raw]).toString('base64')}`
    for (const secret of [
      pkcs1,
      ` ${spki}`,
      `\n${pkcs1}`,
      `#\n${spki}`,
      `\u200b${spki}`,
      ssh,
      raw,
    ]) {
      for (const kid of ['rs256', 'eddsa', undefined]) {
        await rejects(t, bare, hmacToken(secret, { alg: 'HS256', kid }), 'algorithm')
      }
    }
  },
)

t.test('a key of one algorithm used with another: CVE-2022-23539, CVE-2026-48523', async (t) => {
  for (const [key, alg] of [
    [rs256, 'PS256'],
    [rs256, 'RS512'],
    [rs256, 'ES256'],
    [es256, 'RS256'],
    [eddsa, 'Ed25519'],
  ] as const) {
    const header = { alg, kid: key.publicJwk.kid }
    await rejects(t, server, forge(key, { header }), 'key', `${key.alg} as ${alg}`)
  }
  const narrow = await serverFor([rs256, es256], { algorithms: ['ES256'] })
  await rejects(t, narrow, forge(rs256), 'algorithm', 'a key whose alg is not allowed')
  const advertised = forge(rs256, { header: { alg: 'ES256' } })
  await rejects(t, narrow, advertised, 'key', 'and an alg that is allowed in its header')
})

t.test(
  'no signature at all: CVE-2018-1000125, CVE-2018-1000531, CVE-2020-28042, CVE-2022-23540',
  async (t) => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'ES256', 'RS256']) {
      const input = `${base64url({ alg })}.${base64url(goodClaims())}`
      for (const raw of [input, `${input}.`, `${input}.AA`]) {
        const result = await outcome(server, raw)
        t.ok(['token', 'algorithm', 'signature'].includes(result), `${alg || '""'}: ${result}`)
      }
    }
    const cut = forge(es256).split('.')
    for (const length of [1, 2, 4, 16]) {
      const raw = [cut[0], cut[1], cut[2]?.slice(0, length)].join('.')
      t.not(await outcome(server, raw), 'accepted', `a signature of ${length} characters`)
    }
  },
)

t.test(
  'zero signatures (psychic): CVE-2022-21449, and J16 for other values out of range',
  async (t) => {
    const [header, payload] = forge(es256).split('.')
    const zeros = Buffer.alloc(64).toString('base64url')
    await rejects(t, server, `${header}.${payload}.${zeros}`, 'signature', 'r = s = 0')
  },
)

t.test('a key from the header: CVE-2018-0114, CVE-2024-21643, CVE-2026-27962', async (t) => {
  const { publicJwk: jwk } = mallory
  const secret = { kty: 'oct', k: Buffer.alloc(32, 1).toString('base64url') }
  for (const kid of ['es256', 'unknown', undefined]) {
    for (const header of [{ jwk }, { jku: 'https://evil.example/keys' }, { x5c: ['MIIB'] }]) {
      t.not(await outcome(server, forge(mallory, { header: { ...header, kid } })), 'accepted')
    }
    const own = hmacToken(Buffer.alloc(32, 1), { alg: 'HS256', kid, jwk: secret })
    await rejects(t, server, own, 'algorithm', 'a secret of its own')
  }
})

t.test(
  'kid injection, and unknown keys: CVE-2026-44351, CVE-2026-44699, CVE-2026-45363',
  async (t) => {
    const shared = await serverFor([], secretOptions)
    for (const kid of [
      '../../dev/null',
      "' UNION SELECT ''--",
      '__proto__',
      'constructor',
      '',
      'x',
    ]) {
      const empty = hmacToken('', { alg: 'HS256', kid })
      await rejects(t, server, empty, 'algorithm', `an empty secret, kid ${kid}`)
      await rejects(t, bare, empty, 'algorithm')
      await rejects(t, shared, empty, 'signature', 'also where a secret is configured')
      await rejects(t, server, forge(mallory, { header: { kid } }), 'key')
    }
    for (const secret of ['', new Uint8Array()]) {
      await t.rejects(serverFor([], { ...secretOptions, secret }), TypeError)
    }
  },
)

t.test('weak and unusual secrets: CVE-2022-23529, RFC 8725 §3.5', async (t) => {
  for (const secret of ['secret', 'x'.repeat(31), SECRET.subarray(1)]) {
    await t.rejects(serverFor([], { ...secretOptions, secret }), {
      name: 'TypeError',
      message: /"secret" option must be .* at least 32 bytes/,
    })
  }
  const odd = { toString: () => 'x'.repeat(32), length: 32 }
  for (const secret of [odd, [], 32, createSecretKey(SECRET), new ArrayBuffer(32)]) {
    await t.rejects(serverFor([], { ...secretOptions, secret: secret as never }), TypeError)
  }
  await t.rejects(serverFor([], { ...secretOptions, algorithms: ['HS512'] }), TypeError)
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const weak = { alg: 'RS256', publicJwk: small.publicKey.export({ format: 'jwk' }), ...small }
  await t.rejects(serverFor([weak as never]), TypeError, 'nor an RSA key that can be factored')
})

t.test('an issuer that resembles the trusted one: CVE-2024-53861, CVE-2025-30144', async (t) => {
  for (const iss of [
    [ISSUER],
    ['https://evil.example', ISSUER],
    [ISSUER, 'https://evil.example'],
    { [ISSUER]: true },
    ISSUER.slice(0, -1),
    ISSUER.slice(0, 8),
    '',
    `${ISSUER}/`,
    `${ISSUER}.evil.example`,
    ` ${ISSUER}`,
    ISSUER.toUpperCase(),
  ]) {
    await rejects(t, server, forge(es256, { claims: { iss } }), 'issuer', JSON.stringify(iss))
  }
})

t.test('an audience that is empty, absent or of another type: CVE-2020-26160', async (t) => {
  for (const aud of [
    undefined,
    null,
    '',
    [],
    [''],
    [[AUDIENCE]],
    {},
    true,
    `${AUDIENCE}/x`,
    'api',
  ]) {
    await rejects(t, server, forge(es256, { claims: { aud } }), 'audience', JSON.stringify(aud))
  }
  await t.rejects(
    serverFor([es256], { audience: [] }),
    TypeError,
    'and no option disables the check',
  )
})

t.test('two tokens in one: CVE-2022-39227', async (t) => {
  const valid = forge(es256)
  const [header, payload, signature] = valid.split('.') as [string, string, string]
  const forged = base64url(goodClaims({ sub: 'admin' }))
  const json = JSON.stringify({ protected: header, payload, signature })
  for (const raw of [
    json,
    `{"  ${header}.${forged}.${signature}":"","protected":"${header}", "payload":"${payload}","signature":"${signature}"}`,
    `${header}.${forged}.${signature}${json}`,
    `${json}${header}.${forged}.${signature}`,
    `${header}.${payload}.${signature}.${header}.${forged}.${signature}`,
    `${valid},${header}.${forged}.${signature}`,
    `${valid} ${valid}`,
    `${valid}\n${valid}`,
  ]) {
    await rejects(t, server, raw, 'token')
  }
  for (const claims of [
    JSON.stringify(goodClaims()).replace('{', '{"sub":"admin",'),
    JSON.stringify(goodClaims()).replace(/}$/, ',"\\u0073ub":"admin"}'),
    JSON.stringify(goodClaims()).replace(/}$/, ',"sub" :"admin"}'),
    JSON.stringify(goodClaims()).replace('"sub":', '"sub"\n:"admin","sub":'),
    `${JSON.stringify(goodClaims())}{"sub":"admin"}`,
  ]) {
    await rejects(t, server, forge(es256, { claims }), 'token', 'J11: parsers may disagree')
  }
})

t.test('unknown critical extensions: CVE-2025-59420, CVE-2026-32597', async (t) => {
  for (const header of [{ crit: ['bork'], bork: 'x' }, { crit: ['cnf'], cnf: {} }, { crit: [] }]) {
    await rejects(t, server, forge(es256, { header }), 'token', JSON.stringify(header))
  }
})

t.test(
  'an encrypted token in place of a signed one: CVE-2022-36083, CVE-2023-50966, CVE-2023-51774, ' +
    'CVE-2023-52428, CVE-2024-28176, CVE-2024-28180, CVE-2026-29000',
  async (t) => {
    const unsigned = Buffer.from(`${base64url({ alg: 'none' })}.${base64url(goodClaims())}.`)
    const encrypted = await new CompactEncrypt(unsigned)
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' })
      .encrypt(published(rs256))
    const head = (header: object) => `${base64url(header)}.AAAA.AAAA.AAAA.AAAA`
    const costly = COSTLY.map(([target, names]) => countCallsOf(t, target, ...names.split(' ')))
    for (const raw of [
      encrypted,
      head({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2c: 2_147_483_647, p2s: 'AAAA' }),
      head({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' }),
    ]) {
      await rejects(t, server, raw, 'token')
    }
    const bomb = deflateRawSync(JSON.stringify(goodClaims({ x: 'x'.repeat(1_000_000) })))
    const header = { zip: 'DEF' }
    await rejects(t, server, forge(es256, { header, claims: bomb }), 'token', 'a packed payload')
    t.ok(
      costly.every((count) => count() === 0),
      'nothing of it is derived, decrypted or unpacked',
    )
    await rejects(t, server, signed(es256, encrypted.split('.').slice(0, 2).join('.')), 'token')
  },
)

t.test('costly tokens: CVE-2025-27144, CVE-2025-30204', async (t) => {
  const decoded = countCallsOf(t, Buffer, 'from')
  const split = countCallsOf(t, String.prototype, 'split', 'indexOf', 'includes')
  for (const filler of ['.', 'a.', '..eyJ', '=', '\u{1f600}']) {
    const tooLong = filler.repeat(2_000_000)
    const before = [decoded(), split()]
    const verifying = server.verify(tooLong)
    t.strictSame([decoded(), split()], before, 'neither split nor decoded')
    await t.rejects(verifying, { message: 'The access token is too long' })
    const longest = filler.repeat(8_192).slice(0, 8_192)
    const decodedBefore = decoded()
    const found = outcome(server, longest)
    t.ok(decoded() - decodedBefore <= 3, 'decodes no more than three segments')
    t.equal(await found, 'token', filler)
  }
})

t.test('key fetches caused by untrusted callers: CVE-2026-48524', async (t) => {
  const issuer = await startKeyServer([es256.publicJwk])
  t.teardown(() => issuer.close())
  const { issuer: iss, jwksUri } = issuer
  const remote = await serverFor([], { issuer: iss, jwksUri, jwks: {} })
  for (let i = 0; i < 200; i++) {
    await rejects(
      t,
      remote,
      forge(mallory, { header: { kid: `${i}` }, claims: { iss } }),
      'key',
      '',
    )
  }
  t.ok(issuer.count('/keys') <= 4, `${issuer.count('/keys')} for 200 unknown kids`)
})

t.test('a cached result used for another token: CVE-2026-35030, CVE-2026-35039', async (t) => {
  for (const key of [rs256, es256]) {
    const valid = forge(key)
    for (let sight = 0; sight < 3; sight++) await accepts(t, server, valid)
    const [header, payload, signature] = valid.split('.') as [string, string, string]
    const admin = base64url(goodClaims({ sub: 'admin' }))
    const typed = base64url({ ...goodHeader(key), typ: 'JWT' })
    for (const raw of [`${header}.${admin}.${signature}`, `${typed}.${payload}.${signature}`]) {
      await rejects(t, server, raw, 'signature', 'the same beginning and the same end')
    }
    const { subject } = await server.verify(forge(key, { claims: { sub: 'another subject' } }))
    t.equal(subject, 'another subject')
    t.equal((await server.verify(valid)).subject, 'user-1')
  }
})

t.test('J9: other encodings of a revoked token', async (t) => {
  const valid = forge(rs256)
  for (const raw of [
    `${valid}=`,
    `${valid}==`,
    ` ${valid}`,
    `${valid}\n`,
    valid.replaceAll('-', '+'),
  ]) {
    if (raw !== valid) await rejects(t, server, raw, 'token', 'RFC 7515 §2')
  }
  // Four bits of the last character are unused.
  for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
    const result = await outcome(server, valid.slice(0, -1) + last)
    if (!valid.endsWith(last)) t.not(result, 'accepted', `ending in ${last}`)
  }
  // Any party can convert an ECDSA signature to a second valid one. So tokens must be identified
  // by a claim such as `jti`, not by their text.
  const token = forge(es256)
  const bytes = Buffer.from(token.split('.')[2] as string, 'base64url')
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const s = n - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  Buffer.from(s.toString(16).padStart(64, '0'), 'hex').copy(bytes, 32)
  const twin = `${token.split('.', 2).join('.')}.${bytes.toString('base64url')}`
  t.strictSame((await server.verify(twin)).claims, (await server.verify(token)).claims)
})

t.test('a subject or a time of the wrong type: RFC 9068 §5, RFC 7519 §4.1', async (t) => {
  for (const sub of [['admin'], { $ne: null }, 0, true, null]) {
    await rejects(t, server, forge(es256, { claims: { sub } }), 'claims', JSON.stringify(sub))
  }
  for (const exp of [undefined, null, 'never', `${NOW + 60}`, [NOW + 60], true]) {
    await rejects(t, server, forge(es256, { claims: { exp } }), 'claims', JSON.stringify(exp))
  }
  const { subject, clientId } = await server.verify(
    forge(es256, { claims: { sub: 'client-1', client_id: 'client-1' } }),
  )
  t.equal(subject, clientId, 'a client acting for itself is distinguishable from a user')
})
