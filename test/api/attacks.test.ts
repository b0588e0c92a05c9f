/**
 * Known attacks on JWT verifiers, against a server as an API runs it, in many variants. The attacks
 * with a published number are in `cve.test.ts`.
 */
import {
  constants,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  sign as signBytes,
} from 'node:crypto'
import t, { type Test } from 'tap'
import type { Check } from '../../src/index.js'
import {
  accepts,
  forge,
  goodClaims,
  goodHeader,
  NOW,
  outcome,
  rejects,
  serverFor,
  signature,
  signed,
} from '../fixtures/forgery.js'
import { base64url, ISSUER, makeKey, type TestKey } from '../fixtures/issuer.js'

const [rs256, ps256, es256, es384, es512, eddsa, mallory] = await Promise.all([
  makeKey('RS256'),
  makeKey('PS256'),
  makeKey('ES256'),
  makeKey('ES384'),
  makeKey('ES512'),
  makeKey('EdDSA'),
  makeKey('ES256', 'mallory'),
])
const all = [rs256, ps256, es256, es384, es512, eddsa]
const server = await serverFor(all, { maxTokenLength: 65_536 })

/** Returns the same token with another signature. */
function resigned(raw: string, bytes: Uint8Array): string {
  return `${raw.slice(0, raw.lastIndexOf('.'))}.${Buffer.from(bytes).toString('base64url')}`
}

function signatureOf(raw: string): Buffer {
  return Buffer.from(raw.slice(raw.lastIndexOf('.') + 1), 'base64url')
}

/** Asserts that any of these checks rejects the token. */
async function rejectsBy(t: Test, raw: string, checks: readonly Check[], title: string) {
  const result = await outcome(server, raw)
  t.ok((checks as readonly string[]).includes(result), `${title}: ${result}`)
}

t.test('the tokens that the attacks start from are valid', async (t) => {
  for (const key of all) await accepts(t, server, forge(key), key.alg)
})

t.test('J1: rejects alg none, in any case, with and without a signature', async (t) => {
  for (const alg of ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'none\0', 'n\u00f6ne']) {
    const forged = forge(es256, { header: { alg } })
    const input = forged.slice(0, forged.lastIndexOf('.'))
    await rejects(t, server, forged, 'algorithm', `${JSON.stringify(alg)}, signed`)
    await rejects(t, server, `${input}.`, 'token', `${JSON.stringify(alg)}, empty signature`)
    await rejects(t, server, input, 'token', `${JSON.stringify(alg)}, no signature`)
    await rejects(t, server, `${input}.AA`, 'algorithm', `${JSON.stringify(alg)}, a byte`)
  }
  await t.rejects(serverFor(all, { algorithms: ['none'] as never }), {
    name: 'TypeError',
    message: /"algorithms" option/,
  })
})

t.test('J1: rejects HS256 with the public key as the secret', async (t) => {
  for (const key of [rs256, es256, eddsa]) {
    const published = createPublicKey({ key: key.publicJwk as never, format: 'jwk' })
    const pem = published.export({ type: 'spki', format: 'pem' }) as string
    const der = published.export({ type: 'spki', format: 'der' })
    const variants: Record<string, string | Buffer> = {
      pem,
      'pem without the last line break': pem.trimEnd(),
      'pem with a blank before': ` ${pem}`,
      'pem with a line break before': `\n${pem}`,
      'pem with CRLF': pem.replaceAll('\n', '\r\n'),
      'pem on one line': pem.replaceAll('\n', ''),
      'pem body': pem.replace(/-----[^-]+-----|\n/g, ''),
      der,
      'der in base64url': der.toString('base64url'),
      jwk: JSON.stringify(key.publicJwk),
      'jwk set': JSON.stringify({ keys: [key.publicJwk] }),
      'bare jwk': JSON.stringify(published.export({ format: 'jwk' })),
      'n or x': key.publicJwk.n ?? (key.publicJwk.x as string),
      'n or x in bytes': Buffer.from(key.publicJwk.n ?? (key.publicJwk.x as string), 'base64url'),
      nothing: Buffer.alloc(0),
      zeros: Buffer.alloc(32),
    }
    if (key === rs256) variants.pkcs1 = published.export({ type: 'pkcs1', format: 'pem' })
    for (const [title, secret] of Object.entries(variants)) {
      for (const alg of ['HS256', 'HS384', 'HS512']) {
        const forged: TestKey = { ...key, alg, privateKey: createSecretKey(Buffer.from(secret)) }
        const raw = forge(forged)
        if ((await outcome(server, raw)) !== 'algorithm') t.fail(`${key.alg}: ${alg}, ${title}`)
        const named = forge(forged, { header: { alg: key.alg } })
        if ((await outcome(server, named)) !== 'signature')
          t.fail(`as ${key.alg}: ${alg}, ${title}`)
      }
      t.pass(`${key.alg}: ${title}`)
    }
  }
  await t.rejects(serverFor(all, { algorithms: ['RS256', 'HS256'] }), { name: 'TypeError' })
})

t.test('rejects empty and zero signatures, for every algorithm', async (t) => {
  for (const key of all) {
    const raw = forge(key)
    const { length } = signatureOf(raw)
    await rejects(t, server, resigned(raw, Buffer.alloc(0)), 'token', `${key.alg}: empty`)
    for (const zeros of [1, length - 1, length, length + 1, 32, 64, 256]) {
      const title = `${key.alg}: ${zeros} zero bytes`
      await rejects(t, server, resigned(raw, Buffer.alloc(zeros)), 'signature', title)
    }
    await rejects(
      t,
      server,
      resigned(raw, Buffer.alloc(length, 0xff)),
      'signature',
      `${key.alg}: ff`,
    )
  }
})

t.test('rejects a signature of other claims, of another key or of another header', async (t) => {
  for (const key of all) {
    const [header, payload, signature] = forge(key).split('.')
    const other = forge(key, { claims: { sub: 'admin' } }).split('.')
    const typed = forge(key, { header: { typ: 'JWT' } }).split('.')
    for (const [title, parts] of Object.entries({
      claims: [header, other[1], signature],
      header: [typed[0], payload, signature],
      signature: [header, payload, other[2]],
    })) {
      await rejects(t, server, parts.join('.'), 'signature', `${key.alg}: other ${title}`)
    }
  }
  const impostor: TestKey = { ...mallory, publicJwk: { ...mallory.publicJwk, kid: 'es256' } }
  await rejects(t, server, forge(impostor), 'signature', 'an unknown key with a known kid')
  await rejects(t, server, forge(mallory), 'key', 'an unknown key with an unknown kid')
})

t.test('J16: ECDSA signatures of exact length, r and s within 1 and n - 1', async (t) => {
  const ORDER = {
    ES256: 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
    ES384:
      'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
    ES512:
      '01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409',
  } as const
  for (const key of [es256, es384, es512]) {
    const raw = forge(key)
    const bytes = signatureOf(raw)
    const size = bytes.length / 2
    const n = BigInt(`0x${ORDER[key.alg as keyof typeof ORDER]}`)
    const [r, s] = [bytes.subarray(0, size), bytes.subarray(size)]
    const number = (part: Uint8Array) => BigInt(`0x${Buffer.from(part).toString('hex')}`)
    const fixed = (value: bigint) =>
      Buffer.from(value.toString(16).padStart(size * 2, '0'), 'hex').subarray(-size)
    const zero = Buffer.alloc(size)
    const input = raw.slice(0, raw.lastIndexOf('.'))
    const der = signBytes(`sha${key.alg.slice(2)}`, Buffer.from(input), {
      key: key.privateKey,
      dsaEncoding: 'der',
    })
    const variants: Record<string, Uint8Array> = {
      'r = 0': Buffer.concat([zero, s]),
      's = 0': Buffer.concat([r, zero]),
      'r = s = 0': Buffer.concat([zero, zero]),
      'r = n': Buffer.concat([fixed(n), s]),
      's = n': Buffer.concat([r, fixed(n)]),
      'r = s = n': Buffer.concat([fixed(n), fixed(n)]),
      'r + n': Buffer.concat([fixed(number(r) + n), s]),
      's + n': Buffer.concat([r, fixed(number(s) + n)]),
      'r = s = 1': Buffer.concat([fixed(1n), fixed(1n)]),
      '-r': Buffer.concat([fixed(n - number(r)), s]),
      swapped: Buffer.concat([s, r]),
      DER: der,
      'a byte less': bytes.subarray(0, -1),
      'a byte more': Buffer.concat([bytes, Buffer.alloc(1)]),
      'a zero before': Buffer.concat([Buffer.alloc(1), bytes]),
      'a zero before each': Buffer.concat([Buffer.alloc(1), r, Buffer.alloc(1), s]),
      'r alone': r,
      twice: Buffer.concat([bytes, bytes]),
    }
    for (const [title, variant] of Object.entries(variants)) {
      await rejects(t, server, resigned(raw, variant), 'signature', `${key.alg}: ${title}`)
    }
  }
})

t.test('J16: RSA and EdDSA signatures of exact length and range', async (t) => {
  for (const key of [rs256, ps256, eddsa]) {
    const raw = forge(key)
    const bytes = signatureOf(raw)
    for (const [title, variant] of Object.entries({
      'a byte less': bytes.subarray(0, -1),
      'a byte more': Buffer.concat([bytes, Buffer.alloc(1)]),
      'a zero before': Buffer.concat([Buffer.alloc(1), bytes]),
      reversed: Buffer.from(bytes).reverse(),
      twice: Buffer.concat([bytes, bytes]),
    })) {
      await rejects(t, server, resigned(raw, variant), 'signature', `${key.alg}: ${title}`)
    }
  }
  // Adding the order of the group to S gives a second signature, unless the range is checked.
  const raw = forge(eddsa)
  const bytes = signatureOf(raw)
  const L = 2n ** 252n + 27742317777372353535851937790883648493n
  const S = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + L
  const shifted = Buffer.from(S.toString(16).padStart(64, '0'), 'hex').reverse()
  const variant = Buffer.concat([bytes.subarray(0, 32), shifted])
  await rejects(t, server, resigned(raw, variant), 'signature', 'EdDSA: S + L')

  const n = BigInt(`0x${Buffer.from(rs256.publicJwk.n as string, 'base64url').toString('hex')}`)
  let [jti, beyond] = [0, 2n ** 2048n]
  let token = ''
  while (beyond >= 2n ** 2048n) {
    token = forge(rs256, { claims: { jti: `${jti++}` } })
    beyond = BigInt(`0x${signatureOf(token).toString('hex')}`) + n
    if (jti > 400) break
  }
  if (beyond < 2n ** 2048n) {
    const bytes = Buffer.from(beyond.toString(16).padStart(512, '0'), 'hex')
    await rejects(t, server, resigned(token, bytes), 'signature', 'RS256: s + n')
  } else t.comment('RS256: no signature with s + n below 2^2048 was found')
})

t.test('J1: rejects a signature of another scheme with the same key', async (t) => {
  const { publicJwk } = rs256
  const anyRsa = { ...publicJwk, alg: undefined } as never
  const open = await serverFor([{ ...rs256, publicJwk: anyRsa }])
  const input = (alg: string) =>
    `${base64url({ ...goodHeader(rs256), alg })}.${base64url(goodClaims())}`
  for (const alg of ['RS256', 'PS256', 'RS384', 'PS512']) {
    await accepts(t, open, signed({ ...rs256, alg }, input(alg)), `${alg} as itself`)
    for (const other of ['RS256', 'PS256', 'RS512', 'PS384']) {
      if (other === alg) continue
      const raw = signed({ ...rs256, alg }, input(other))
      await rejects(t, open, raw, 'signature', `${alg} as ${other}`)
    }
  }
  const padding = constants.RSA_PKCS1_PSS_PADDING
  const unsalted = signBytes('sha256', Buffer.from(input('PS256')), {
    key: rs256.privateKey,
    padding,
    saltLength: 0,
  })
  const raw = `${input('PS256')}.${unsalted.toString('base64url')}`
  await rejects(t, open, raw, 'signature', 'PS256 with a salt of another length')
})

t.test('J7: never uses keys in the header of a token', async (t) => {
  const { publicJwk } = mallory
  const evil = 'https://evil.example/jwks.json'
  for (const [title, header] of Object.entries({
    jwk: { jwk: publicJwk },
    'jwk and a known kid': { jwk: { ...publicJwk, kid: 'es256' }, kid: 'es256' },
    'jwk, no kid': { jwk: publicJwk, kid: undefined },
    jku: { jku: evil },
    'jku at the issuer': { jku: `${ISSUER}/../../v1/keys` },
    'jku and a known kid': { jku: evil, kid: 'es256' },
    x5u: { x5u: evil },
    'x5u in a file': { x5u: 'file:///etc/passwd' },
    x5c: { x5c: ['MIIB'], x5t: 'AA', 'x5t#S256': 'AA' },
    'x5c and a known kid': { x5c: ['MIIB'], kid: 'es256' },
    epk: { epk: publicJwk },
    everything: { jwk: publicJwk, jku: evil, x5u: evil, x5c: ['MIIB'] },
  })) {
    await rejectsBy(t, forge(mallory, { header }), ['key', 'signature'], title)
  }
  await accepts(
    t,
    server,
    forge(es256, { header: { jwk: publicJwk, jku: evil, x5u: evil, x5c: ['MIIB'] } }),
    'beside a good signature they mean nothing',
  )
})

t.test('J7: only compares a kid', async (t) => {
  for (const kid of [
    '../../../../dev/null',
    '/dev/null',
    '..\\..\\windows\\win.ini',
    'file:///proc/sys/kernel/randomize_va_space',
    "x' UNION SELECT 'secret';--",
    "' OR '1'='1",
    '$(id)',
    '`id`',
    '; id',
    '| id',
    '{"$ne":null}',
    '${' + '7*7}',
    '%00',
    'es256\0',
    'es256\n',
    ' es256',
    'ES256',
    'es256%00',
    '*',
    '.*',
    '',
    '0',
    'null',
    'undefined',
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'valueOf',
    'hasOwnProperty',
    '__defineGetter__',
    'get',
    'size',
    '\u202e652se',
    '\ud800',
    'x'.repeat(4_096),
    '\u{1f511}'.repeat(1_000),
  ]) {
    const title = JSON.stringify(kid.slice(0, 40))
    await rejects(t, server, forge(es256, { header: { kid } }), 'key', `${title}, a known key`)
    await rejects(t, server, forge(mallory, { header: { kid } }), 'key', `${title}, an unknown key`)
    const empty = { ...es256, alg: 'HS256', privateKey: createSecretKey(Buffer.alloc(0)) }
    await rejects(t, server, forge(empty, { header: { kid } }), 'algorithm', `${title}, HS256`)
  }
})

t.test('J10: rejects critical extensions and unencoded payloads', async (t) => {
  for (const header of [
    { crit: [] },
    { crit: ['exp'], exp: NOW + 300 },
    { crit: ['http://evil.example/x'], 'http://evil.example/x': true },
    { crit: ['b64'], b64: true },
    { crit: ['b64'], b64: false },
    { b64: false },
    { crit: null },
    { crit: 'b64' },
    { crit: ['alg'] },
    { crit: ['crit'] },
    { crit: ['__proto__'] },
  ]) {
    await rejects(t, server, forge(es256, { header }), 'token', JSON.stringify(header))
  }
  const header = base64url({ ...goodHeader(es256), b64: false, crit: ['b64'] })
  const input = `${header}.${JSON.stringify(goodClaims())}`
  await rejects(t, server, signed(es256, input.replaceAll('.', '')), 'token', 'unencoded')
  await rejects(t, server, signed(es256, `${header}.x`), 'token', 'unencoded, not even JSON')
})

t.test('J11: rejects duplicate members, on which parsers disagree', async (t) => {
  const claims = JSON.stringify(goodClaims())
  const header = JSON.stringify(goodHeader(es256))
  for (const [title, forgery] of Object.entries({
    'iss first': { claims: claims.replace('{', '{"iss":"https://evil.example",') },
    'iss last': { claims: claims.replace(/}$/, ',"iss":"https://evil.example"}') },
    'iss, escaped': { claims: claims.replace(/}$/, ',"\\u0069ss":"https://evil.example"}') },
    'iss, escaped otherwise': { claims: claims.replace('{', '{"i\\u0073s":"x",') },
    sub: { claims: claims.replace('{', '{"sub":"admin",') },
    exp: { claims: claims.replace('{', '{"exp":1,') },
    'scope, equal': { claims: claims.replace('{', '{"scope":"orders:read profile",') },
    nested: { claims: claims.replace(/}$/, ',"a":{"b":[{"c":1,"\\u0063":1}]}}') },
    alg: { header: header.replace('{', '{"alg":"none",') },
    'alg, escaped': { header: header.replace('{', '{"\\u0061lg":"none",') },
    kid: { header: header.replace(/}$/, ',"kid":"es256"}') },
    'an unused parameter': { header: header.replace('{', '{"x":1,"x":1,') },
  })) {
    await rejects(t, server, forge(es256, forgery), 'token', title)
  }
})

t.test('J9: rejects non-canonical encodings of a token', async (t) => {
  const raw = forge(es256)
  const [header, payload, signature] = raw.split('.') as [string, string, string]
  for (const [title, spelled] of Object.entries({
    'padding after the signature': `${raw}==`,
    'padding after the header': `${header}=.${payload}.${signature}`,
    'padding after the claims': `${header}.${payload}=.${signature}`,
    'a line break at the end': `${raw}\n`,
    'a line break in the signature': `${raw.slice(0, -9)}\n${raw.slice(-9)}`,
    'a blank in the claims': `${header}.${payload.slice(0, 9)} ${payload.slice(9)}.${signature}`,
    'a tab before': `\t${raw}`,
    'a dot more': `${raw}.`,
    'a zero byte': `${raw}\0`,
    'full-width letters': raw.replace('e', '\uff45'),
  })) {
    await rejects(t, server, spelled, 'token', title)
  }
  // The signature covers the encoding, except for unused bits in the signature itself.
  let last = raw
  for (let i = 0; !last.endsWith('A'); i++) last = forge(es256, { claims: { jti: `${i}` } })
  await accepts(t, server, last, 'ending in A')
  for (const other of 'BCDEFGHIJKLMNOP') {
    await rejects(t, server, last.slice(0, -1) + other, 'token', `ending in ${other} instead`)
  }
  for (const blanks of ['', ' ', '  ']) {
    const padded = [
      `{${blanks}${JSON.stringify(goodHeader(es256)).slice(1)}`,
      JSON.stringify(goodClaims()),
    ]
      .map((text) => Buffer.from(text).toString('base64url'))
      .map((text) => text.padEnd(Math.ceil(text.length / 4) * 4, '='))
    if (!padded.join().includes('=')) continue
    await rejects(t, server, signed(es256, padded.join('.')), 'token', 'padded and signed so')
  }
})

t.test('J12: rejects an exp that is not a finite number', async (t) => {
  const text = JSON.stringify(goodClaims({ exp: 0, nbf: undefined, iat: undefined }))
  const withExp = (exp: string) => text.replace('"exp":0', `"exp":${exp}`)
  for (const exp of [
    '"2000000000"',
    '1e400',
    '-1e400',
    'null',
    'true',
    'false',
    '[]',
    '[2000000000]',
    '{}',
    '""',
    '"NaN"',
    '"never"',
    '{"$numberLong":"2000000000"}',
  ]) {
    await rejects(t, server, forge(es256, { claims: withExp(exp) }), 'claims', `exp: ${exp}`)
    const nbf = withExp('2000000000').replace('{', `{"nbf":${exp},`)
    await rejects(t, server, forge(es256, { claims: nbf }), 'claims', `nbf: ${exp}`)
    const iat = withExp('2000000000').replace('{', `{"iat":${exp},`)
    await rejects(t, server, forge(es256, { claims: iat }), 'claims', `iat: ${exp}`)
  }
  for (const exp of ['0', '-1', '-0', '-1e308', '1e-400', '1', `${NOW - 30}`]) {
    await rejects(t, server, forge(es256, { claims: withExp(exp) }), 'expiry', `exp: ${exp}`)
  }
  for (const exp of [
    'NaN',
    'Infinity',
    '0x7fffffff',
    '+2000000000',
    '2_000_000_000',
    'undefined',
  ]) {
    await rejects(t, server, forge(es256, { claims: withExp(exp) }), 'token', `exp: ${exp}`)
  }
  await rejects(t, server, forge(es256, { claims: { exp: undefined } }), 'claims', 'no exp')
  const future = { iat: NOW + 86_400, exp: NOW + 90_000 }
  await rejects(t, server, forge(es256, { claims: future }), 'issued-at', 'from tomorrow')
})

t.test('rejects costly tokens cheaply', async (t) => {
  const depth = 10_000
  const arrays = '['.repeat(depth) + ']'.repeat(depth)
  const objects = '{"a":'.repeat(4_000) + 1 + '}'.repeat(4_000)
  for (const [title, text] of Object.entries({ arrays, objects })) {
    const claims = JSON.stringify(goodClaims()).replace('{', `{"x":${text},`)
    await rejects(t, server, forge(es256, { claims }), 'token', `deep claims: ${title}`)
    const header = JSON.stringify(goodHeader(es256)).replace('{', `{"x":${text},`)
    await rejects(t, server, forge(es256, { header }), 'token', `a deep header: ${title}`)
    await rejects(t, server, forge(es256, { claims: text }), 'issuer', `nothing else: ${title}`)
  }
  await rejects(t, server, forge(es256, { claims: '['.repeat(depth) }), 'issuer', 'never closed')
  await rejects(t, server, forge(es256, { claims: { x: 'x'.repeat(1_048_576) } }), 'token', '1 MB')
  for (const filler of ['a', '.', 'A.', '\u{1f600}', '=', 'eyJ']) {
    await rejects(t, server, filler.repeat(1_048_576), 'token', `a million of "${filler}"`)
    await rejects(t, server, filler.repeat(1_000), 'token', `a thousand of "${filler}"`)
  }
  const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`m${i}`, i]))
  await accepts(t, server, forge(es256, { claims: many }), 'many members are no attack')
})

t.test('treats prototype names as plain claims, scope and requirements', async (t) => {
  const names = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf']
  const claims = Object.fromEntries(names.map((name) => [name, 'admin']))
  const scope = [...names, '__proto__', 'has', 'size'].join(' ')
  const token = await server.verify(forge(es256, { claims: { ...claims, scope } }))
  t.strictSame([...token.scope], scope.split(' '))
  t.notOk(token.hasScope('admin'))
  t.equal(token.claims.constructor, 'admin')
  t.equal(({} as { admin?: unknown }).admin, undefined)

  const plain = await server.verify(forge(es256))
  for (const name of scope.split(' ')) t.notOk(plain.hasScope(name), `scope ${name}`)
  for (const name of [...names, '__proto__', '__defineGetter__']) {
    for (const required of [true, 'admin', [1, 'function', '[object Object]']]) {
      const requirement = { claims: Object.fromEntries([[name, required]]) }
      await t.rejects(server.verify(forge(es256), requirement as never), {
        code: 'insufficient_scope',
      })
      const dotted = { claims: { [`sub.${name}`]: required, [`realm_access.${name}`]: required } }
      await t.rejects(server.verify(forge(es256), dotted as never), { code: 'insufficient_scope' })
    }
    if (name === '__defineGetter__') continue
    const errorCode = await server
      .verify(forge(es256), { claims: { [`${name}`]: (value) => value !== undefined } })
      .catch((error) => error.code)
    t.equal(errorCode, 'insufficient_scope', `${name} is not a claim unless the token contains it`)
  }
  const text = JSON.stringify(goodClaims()).replace('{', '{"__proto__":{"scope":"admin"},')
  await rejects(t, server, forge(es256, { claims: text }), 'token', '__proto__ as a claim')
})

t.test('rejects claims of the wrong type', async (t) => {
  for (const [claims, check] of [
    [{ iss: [ISSUER] }, 'issuer'],
    [{ iss: { [ISSUER]: 1 } }, 'issuer'],
    [{ iss: 0 }, 'issuer'],
    [{ iss: null }, 'issuer'],
    [{ iss: 'https://evil.example' }, 'issuer'],
    [{ aud: 'api://other' }, 'audience'],
    [{ aud: ['api://default', 1] }, 'audience'],
    [{ aud: { 0: 'api://default' } }, 'audience'],
    [{ sub: { $ne: null } }, 'claims'],
    [{ sub: ['admin'] }, 'claims'],
    [{ client_id: 1 }, 'claims'],
  ] as const) {
    await rejects(t, server, forge(es256, { claims }), check, JSON.stringify(claims))
  }
})

t.test('J8: rejects other tokens that the issuer signs with the same key', async (t) => {
  const session = { nonce: 'n-0S6', auth_time: NOW - 20, email: 'user@example.com' }
  for (const [title, forgery] of Object.entries({
    'an ID token': { header: { typ: 'JWT' }, claims: { ...session, at_hash: 'x' } },
    'an ID token of the hybrid flow': { header: { typ: undefined }, claims: { c_hash: 'x' } },
    'an ID token of Cognito': { header: { typ: undefined }, claims: { token_use: 'id' } },
    'an ID token of Keycloak': { header: { typ: 'JWT' }, claims: { typ: 'ID' } },
    'a refresh token of Keycloak': { header: { typ: 'JWT' }, claims: { typ: 'Refresh' } },
    'an offline token of Keycloak': { header: { typ: 'JWT' }, claims: { typ: 'Offline' } },
    'a logout token': { header: { typ: 'logout+jwt' } },
    'a logout token of Keycloak': { header: { typ: 'JWT' }, claims: { typ: 'Logout' } },
    'a DPoP proof': { header: { typ: 'dpop+jwt', jwk: es256.publicJwk } },
    'a security event': { header: { typ: 'secevent+jwt' } },
    'an introspection response': { header: { typ: 'token-introspection+jwt' } },
    'a request object': { header: { typ: 'oauth-authz-req+jwt' } },
    'a client assertion': { header: { typ: 'client-authentication+jwt' } },
    'an entity statement': { header: { typ: 'entity-statement+jwt' } },
  })) {
    await rejects(t, server, forge(es256, forgery), 'type', title)
  }
  const okta = await serverFor([es256], { profile: 'okta' })
  const bare = { header: { typ: undefined } }
  await rejects(
    t,
    okta,
    forge(es256, { ...bare, claims: session }),
    'claims',
    'an ID token of Okta',
  )
  await accepts(t, okta, forge(es256, { ...bare, claims: { cid: '0oa', scp: ['a'] } }), 'its own')
})

t.test('J17: rejects an encrypted token with a clear reason', async (t) => {
  const raw = `${base64url({ alg: 'dir', enc: 'A256GCM' })}..aXY.Y2lwaGVydGV4dA.dGFn`
  await t.rejects(server.verify(raw), {
    name: 'InvalidTokenError',
    message: 'The access token is encrypted, which is not supported here',
  })
})

t.test('B10: no error contains the token or its claims', async (t) => {
  const secret = 'S3CRET-c1aim-\u0000\r\n'
  for (const forgery of [
    { claims: { iss: secret } },
    { claims: { aud: secret } },
    { claims: { exp: secret } },
    { claims: { sub: [secret] } },
    { claims: { at_hash: secret } },
    { header: { alg: secret } },
    { header: { typ: secret } },
    { header: { kid: secret } },
    { header: { crit: [secret] } },
  ]) {
    const error = await server.verify(forge(es256, forgery)).catch((reason) => reason)
    const shown = `${error}${error.stack}${JSON.stringify(error)}${JSON.stringify(error.headers)}`
    t.notOk(shown.includes('S3CRET'), JSON.stringify(forgery))
    t.strictSame(Object.keys(error).sort(), ['code', 'name', 'statusCode'])
    t.match(error.headers['www-authenticate'], /^Bearer realm="api", error="invalid_token", /)
    t.notOk(/[^\x20-\x7e]/.test(error.reason.found ?? ''), "readable in an operator's log")
  }
})

t.test('rejects values that are not tokens', async (t) => {
  for (const odd of ['', undefined, null, 0, {}, [], { toString: () => forge(es256) }]) {
    await t.rejects(server.verify(odd as string), { code: 'missing_credentials' })
  }
  const boxed = Object(forge(es256)) as string
  await t.rejects(server.verify(boxed), { code: 'missing_credentials' }, 'a String object')
})

t.test('HS256: with a secret, accepts only its algorithm and its bytes', async (t) => {
  const privateKey: KeyObject = createSecretKey(Buffer.alloc(32, 7))
  const hs256 = { alg: 'HS256', privateKey }
  const shared = await serverFor([], {
    jwks: {},
    secret: Buffer.alloc(32, 7),
    algorithms: ['HS256'],
  })
  await accepts(t, shared, forge(hs256), 'its own')
  const shorter = { ...hs256, privateKey: createSecretKey(Buffer.alloc(31, 7)) }
  await rejects(t, shared, forge(shorter), 'signature', 'another secret')
  await rejects(t, shared, forge({ ...hs256, alg: 'HS512' }), 'algorithm', 'HS512')
  await rejects(t, shared, forge(es256), 'algorithm', 'ES256')
  const raw = forge(hs256)
  const cut = signature(hs256, raw.slice(0, raw.lastIndexOf('.'))).subarray(0, 16)
  await rejects(t, shared, resigned(raw, cut), 'signature', 'a truncated hash')
})
