import t, { type Test } from 'tap'
import type { Check } from '../../src/errors/rejection-reason.js'
import { type Result, unwrap } from '../../src/errors/result.js'
import { InvalidTokenError } from '../../src/index.js'
import { type CompactJws, parseCompactJws, withClaims } from '../../src/token/compact-jws.js'
import { KnownHeaders } from '../../src/token/known-headers.js'
import { forge, goodClaims, signed } from '../fixtures/forgery.js'
import { base64url, makeKey } from '../fixtures/issuer.js'

const key = await makeKey('ES256')
const valid = forge(key)
const [header, payload, signature] = valid.split('.') as [string, string, string]

/** Returns the parsed token or the rejection, which is never thrown. */
function outcomeOf(raw: string, maxLength = 8_192): Result<CompactJws> {
  return parseCompactJws(raw, maxLength, new KnownHeaders())
}

function parse(raw: string, maxLength?: number): CompactJws {
  return unwrap(outcomeOf(raw, maxLength))
}

function rejects(t: Test, raw: string, title: string, check: Check = 'token'): void {
  t.match(outcomeOf(raw), { name: 'InvalidTokenError', check, code: 'invalid_token' }, title)
}

function reasonOf(raw: string, maxLength?: number): InvalidTokenError {
  const rejection = outcomeOf(raw, maxLength)
  if (rejection instanceof InvalidTokenError) return rejection
  throw new Error('not rejected')
}

t.test('returns the parts that later steps need', async (t) => {
  const jws = parse(valid)
  t.equal(jws.raw, valid)
  t.match(jws.header, { alg: 'ES256', kid: 'es256', typ: 'at+jwt' })
  t.strictSame(jws.claims, goodClaims())
  t.ok(Object.isFrozen(jws.claims))
  const bare = parse(forge(key, { header: { kid: undefined, typ: undefined } }))
  t.match(bare.header, { alg: 'ES256', kid: undefined, typ: undefined })
})

t.test('J9: rejects non-canonical base64url in each segment', async (t) => {
  const segments = [header, payload, signature]
  for (const [index, name] of ['header', 'claims', 'signature'].entries()) {
    const segment = segments[index] as string
    const spelled = (text: string) =>
      segments.map((other, i) => (i === index ? text : other)).join('.')
    rejects(t, spelled(''), `${name}: empty`)
    rejects(t, spelled(`${segment}=`), `${name}: one "="`)
    rejects(t, spelled(`${segment}==`), `${name}: two "="`)
    rejects(t, spelled(`${segment}${'A'.repeat(1 + ((4 - (segment.length % 4)) % 4))}`), name)
    for (const odd of ['+', '/', ' ', '\n', '\r\n', '\t', '\0', '%', '~', '\u00e9', '\u{1f600}']) {
      rejects(t, spelled(`${segment.slice(0, 8)}${odd}${segment.slice(9)}`), `${name}: within`)
      rejects(t, spelled(`${odd}${segment}`), `${name}: ${JSON.stringify(odd)} before`)
      rejects(t, spelled(`${segment}${odd}`), `${name}: ${JSON.stringify(odd)} after`)
    }
  }
})

t.test('J9: rejects non-zero trailing bits, so that a token has one encoding', async (t) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const decodesAlike = (a: string, b: string) =>
    Buffer.from(a, 'base64url').equals(Buffer.from(b, 'base64url'))
  // One more space in the JSON shifts the length, so that each of the three remainders occurs.
  for (const blanks of [0, 1, 2]) {
    const parts = [
      base64url(`{${' '.repeat(blanks)}"alg":"ES256","kid":"es256"}`),
      base64url(`{${' '.repeat(blanks)}"iss":"x"}`),
      Buffer.alloc(64 + blanks, 1).toString('base64url'),
    ]
    t.ok(parse(parts.join('.')), 'the canonical encoding is accepted')
    for (const [index, part] of parts.entries()) {
      const respelled = [...alphabet]
        .map((last) => part.slice(0, -1) + last)
        .filter((other) => other !== part && decodesAlike(other, part))
      t.equal(respelled.length, [0, undefined, 15, 3][part.length % 4], 'other spellings')
      for (const other of respelled) {
        rejects(t, parts.with(index, other).join('.'), `segment ${index} ending in ${other.at(-1)}`)
      }
    }
  }
})

t.test('J9: rejects white space and line breaks around the token', async (t) => {
  for (const raw of [` ${valid}`, `${valid} `, `${valid}\n`, `\r\n${valid}`, `"${valid}"`]) {
    rejects(t, raw, JSON.stringify(raw.slice(0, 3) + raw.slice(-3)))
  }
})

t.test('rejects any number of segments but three', async (t) => {
  for (const raw of [
    '.',
    '..',
    '...',
    `${header}.${payload}`,
    `${valid}.`,
    `.${valid}`,
    `${valid}.x`,
  ]) {
    rejects(t, raw, raw.replace(valid, 'valid'))
  }
  rejects(t, '.'.repeat(8_000), 'many')
  rejects(t, `${header}..${signature}`, 'a detached payload')
  const opaque = reasonOf('00aBcDeFgHiJkLmNoP')
  t.match(opaque.reason.found, /opaque/)
  t.equal(opaque.message, 'The access token is malformed')
})

t.test('J17: reports that an encrypted token is encrypted', async (t) => {
  const error = reasonOf('eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y2lwaGVydGV4dA.dGFn')
  t.equal(error.message, 'The access token is encrypted, which is not supported here')
  t.equal(error.check, 'token')
  t.match(error.reason, { expected: /signed token/, found: /JWE/ })
})

t.test('reports several values of a repeated header', async (t) => {
  const error = reasonOf('eyJhbGciOiJSUzI1NiJ9.e30.AA, eyJhbGciOiJSUzI1NiJ9.e30.AA')
  t.equal(error.message, 'The access token is malformed')
  t.match(error.reason, { expected: 'one token', found: 'several values of a repeated header' })
})

t.test('rejects a token that is too long before parsing it', async (t) => {
  const error = reasonOf('\0'.repeat(1_048_576))
  t.equal(error.message, 'The access token is too long')
  t.equal(error.reason.expected, 'at most 8192 characters')
  t.ok(parse(valid, valid.length))
  t.match(reasonOf(valid, valid.length - 1).message, /too long/)
})

t.test('J7: rejects a header whose alg, kid or typ is not a string', async (t) => {
  for (const odd of [null, true, 0, 1.5, [], ['ES256'], {}, { toString: 'ES256' }]) {
    for (const name of ['alg', 'kid', 'typ']) {
      rejects(t, forge(key, { header: { [name]: odd } }), `${name}: ${JSON.stringify(odd)}`)
    }
  }
  rejects(t, forge(key, { header: { alg: undefined } }), 'no alg')
})

t.test('J10: rejects any crit and b64', async (t) => {
  for (const crit of [[], ['exp'], ['alg'], ['b64'], ['http://x'], 'exp', null, {}, 0, [['x']]]) {
    rejects(t, forge(key, { header: { crit } }), `crit: ${JSON.stringify(crit)}`)
  }
  for (const b64 of [false, true, null, 'false', 0]) {
    rejects(t, forge(key, { header: { b64 } }), `b64: ${JSON.stringify(b64)}`)
    rejects(t, forge(key, { header: { b64, crit: ['b64'] } }), `critical, ${JSON.stringify(b64)}`)
  }
  const error = reasonOf(forge(key, { header: { crit: ['exp', '\u0000\u202e'] } }))
  t.equal(error.message, 'The access token requires an extension that is not supported')
  t.match(error.reason.found, /^[\x20-\x7e]+$/)
})

t.test('J11: rejects duplicate members in header and claims', async (t) => {
  for (const text of [
    '{"alg":"ES256","alg":"ES256"}',
    '{"alg":"none","alg":"ES256"}',
    '{"alg":"ES256","\\u0061lg":"none"}',
    '{"alg":"ES256","kid":"a","kid":"b"}',
    '{"alg":"ES256","x":{"y":1,"y":2}}',
  ]) {
    rejects(t, forge(key, { header: text }), `header: ${text}`)
  }
  const claims = JSON.stringify(goodClaims()).slice(0, -1)
  for (const more of [
    ',"iss":"https://evil.example"',
    ',"\\u0069ss":"https://evil.example"',
    ',"exp":1e9',
    ',"act":{"sub":"a","sub":"b"}',
    ',"a":[{"b":1,"\\u0062":1}]',
  ]) {
    rejects(t, forge(key, { claims: `${claims}${more}}` }), `claims: ${more}`)
  }
})

t.test('rejects segments that are not a JSON object in UTF-8', async (t) => {
  const latin1 = Buffer.from('{"alg":"ES256","x":"\u00e9"}', 'latin1')
  const overlong = Buffer.concat([
    Buffer.from('{"alg":"ES256","x":"'),
    Buffer.from([0xc0, 0xaf]),
    Buffer.from('"}'),
  ])
  const surrogate = Buffer.concat([
    Buffer.from('{"alg":"ES256","x":"'),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from('"}'),
  ])
  const utf16 = Buffer.from('{"alg":"ES256"}', 'utf16le')
  const bom = '\ufeff{"alg":"ES256"}'
  for (const text of [latin1, overlong, surrogate, utf16, bom]) {
    rejects(t, forge(key, { header: text }), 'header')
    rejects(t, forge(key, { claims: text }), 'claims')
  }
  for (const text of ['[]', '"x"', '1', 'null', 'true', '{', 'x', ' ', '[{"alg":"ES256"}]']) {
    rejects(t, forge(key, { header: text }), `header: ${text}`)
    rejects(t, forge(key, { claims: text }), `claims: ${text}`)
  }
  t.ok(parse(forge(key, { claims: '{"sub":"\\ud800","\u{1f600}":"\u00e9"}' })))
})

t.test('rejects a nested token, and one in JSON serialization', async (t) => {
  rejects(t, signed(key, `${header}.${base64url(valid)}`), 'a token as payload')
  rejects(t, JSON.stringify({ payload, signatures: [{ protected: header, signature }] }), 'general')
  rejects(t, JSON.stringify({ payload, protected: header, signature }), 'flattened')
})

t.test('reports the expected form of a token in the reason', async (t) => {
  const text = (object: unknown) => base64url(JSON.stringify(object))
  const detailsOf = (raw: string) => {
    const { message, reason } = reasonOf(raw)
    return [message, reason.expected, reason.found]
  }
  const malformed = 'The access token is malformed'
  t.same(detailsOf('x'.repeat(8_193)), [
    'The access token is too long',
    'at most 8192 characters',
    'more',
  ])
  t.same(detailsOf('a.b'), [malformed, 'three parts', '2'])
  t.same(detailsOf('a.b.c.d'), [malformed, 'three parts', '4'])
  t.same(detailsOf('opaque'), [
    malformed,
    'a JWT of three parts',
    'an opaque token: request JWT access tokens from the issuer (often with an audience)',
  ])
  t.same(detailsOf('a.b.c.d.e'), [
    'The access token is encrypted, which is not supported here',
    'a signed token of three parts',
    'an encrypted token (JWE): set "decryption", or configure the issuer not to encrypt tokens for this API',
  ])
  t.same(detailsOf(`${header}=.${payload}.${signature}`), [
    malformed,
    'canonical base64url',
    undefined,
  ])
  t.same(detailsOf(`${text([])}.${payload}.${signature}`), [
    malformed,
    'JSON objects without duplicate members',
    undefined,
  ])
  for (const [part, ...expected] of [
    [{ alg: 1 }, malformed, '"alg": a string', 'number'],
    [{ kid: 1 }, malformed, '"kid": a string or absent', 'number'],
    [{ typ: 1 }, malformed, '"typ": a string or absent', 'number'],
    [
      { crit: ['a'] },
      'The access token requires an extension that is not supported',
      'neither "crit" nor "b64" in the header',
      '["a"]',
    ],
  ] as const) {
    const odd = text({ alg: 'ES256', ...part })
    t.same(detailsOf(`${odd}.${payload}.${signature}`), expected, JSON.stringify(part))
  }
})

t.test('returns both segments and the dot between them as the signing input', async (t) => {
  const jws = parse(valid)
  t.equal(jws.signingInput, `${header}.${payload}`)
  t.equal(jws.headerSegment, header)
  t.same(jws.signature, Buffer.from(signature, 'base64url'))
})

t.test(
  'accepts the same claims whether they are parsed before or after verification',
  async (t) => {
    const costly = { groups: Array.from({ length: 300 }, (_, i) => `g${i}`) }
    const values: unknown[] = ['a', '', 'ä"\\', 42, -0.5, true, null, [], {}, ['a'], { tid: 'a' }]
    for (const name of ['iss', 'tid']) {
      for (const value of values) {
        const label = `${name}: ${JSON.stringify(value)}`
        const text = { sub: 'ada', [name]: value }
        const early = parse(`${header}.${base64url(text)}.${signature}`)
        const late = parse(`${header}.${base64url({ ...text, ...costly })}.${signature}`)
        t.ok(early.claims !== undefined && late.claims === undefined, label)
        t.equal(late.issuerClaims[name], typeof value === 'string' ? value : undefined, label)
        t.strictSame(unwrap(withClaims(early)).claims, text, label)
        t.strictSame(unwrap(withClaims(late)).claims, { ...text, ...costly }, label)
      }
    }
  },
)

t.test('rejects escaped names of the claims that identify the issuer', async (t) => {
  const padding = `"groups":[${'0,'.repeat(300)}0]`
  for (const member of ['"t\\u0069d":"a"', '"\\u0069ss":"https://evil.example"']) {
    const jws = parse(`${header}.${base64url(`{${member},${padding}}`)}.${signature}`)
    t.equal(jws.claims, undefined, member)
    t.match(withClaims(jws), {
      code: 'invalid_token',
      expected: 'the member names "iss" and "tid" without \\u escapes',
    })
  }
})

t.test('rejects a header that is costly to parse', async (t) => {
  const members = Array.from({ length: 400 }, (_, i) => [`m${i}`, 0])
  const costly = base64url(JSON.stringify({ alg: 'ES256', ...Object.fromEntries(members) }))
  t.match(reasonOf(`${costly}.${payload}.${signature}`).reason, {
    check: 'token',
    expected: 'a header with few members',
    found: 'more',
  })
})
