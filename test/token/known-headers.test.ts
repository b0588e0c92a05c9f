import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { unwrap } from '../../src/errors/result.js'
import { createResourceServer } from '../../src/index.js'
import { parseCompactJws } from '../../src/token/compact-jws.js'
import type { JoseHeader } from '../../src/token/jose-header.js'
import { KnownHeaders } from '../../src/token/known-headers.js'
import { forge, goodHeader, NOW, outcome, signature } from '../fixtures/forgery.js'
import { AUDIENCE, base64url, ISSUER, makeKey } from '../fixtures/issuer.js'

const header: JoseHeader = { alg: 'ES256', kid: 'a', typ: undefined, parameters: {} }

t.test('returns a cached header', async (t) => {
  const known = new KnownHeaders()
  t.equal(known.get('abc'), undefined)
  known.remember('abc', header)
  t.equal(known.get('abc'), header)
  known.remember('abc', header)
  for (const other of ['ab', 'abcd', 'ABC', 'abc=', '', '__proto__', 'constructor']) {
    t.equal(known.get(other), undefined, other)
  }
})

t.test('is bounded in length and number', async (t) => {
  const known = new KnownHeaders()
  known.remember('x'.repeat(256), header)
  known.remember('x'.repeat(257), header)
  t.equal(known.get('x'.repeat(256)), header)
  t.equal(known.get('x'.repeat(257)), undefined, 'a longer header is not cached')
  const many = Array.from({ length: 10_000 }, (_, i) => `header-${i}`)
  for (const segment of many) known.remember(segment, header)
  t.ok(many.filter((segment) => known.get(segment) !== undefined).length <= 1_000)
  t.equal(known.get('header-9999'), header, 'the last header is cached')
})

t.test('holds a thousand headers, and is cleared by the next', async (t) => {
  const known = new KnownHeaders()
  const segments = Array.from({ length: 1_000 }, (_, i) => `header-${i}`)
  for (const segment of segments) known.remember(segment, header)
  known.remember('header-0', header)
  t.ok(segments.every((segment) => known.get(segment) === header))
  known.remember('one more', header)
  t.equal(known.get('one more'), header)
  t.ok(segments.every((segment) => known.get(segment) === undefined))
})

t.test('returns the latest header of tokens that are not verified', async (t) => {
  const known = new KnownHeaders()
  const other: JoseHeader = { ...header, kid: 'b' }
  known.remember('verified', header)
  known.rememberLatest('first', header)
  t.equal(known.get('first'), header)
  known.rememberLatest('second', other)
  t.equal(known.get('second'), other)
  t.equal(known.get('first'), undefined, 'only the latest')
  known.rememberLatest('x'.repeat(257), header)
  t.equal(known.get('x'.repeat(257)), undefined, 'a longer header is not cached')
  known.rememberLatest('x'.repeat(256), header)
  t.equal(known.get('x'.repeat(256)), header)
  t.equal(known.get('verified'), header, 'headers of verified tokens remain')
})

t.test('parses a header again only if another one came between', async (t) => {
  const known = new KnownHeaders()
  const parse = (parameters: object) => {
    const raw = `${base64url(parameters)}.${base64url({ iss: ISSUER })}.c2ln`
    return unwrap(parseCompactJws(raw, 1_000, known)).header
  }
  const first = parse({ alg: 'RS256', kid: 'unknown' })
  t.equal(parse({ alg: 'RS256', kid: 'unknown' }), first)
  t.same(parse({ alg: 'RS256', kid: 'other' }).kid, 'other')
  t.not(parse({ alg: 'RS256', kid: 'unknown' }), first)
  for (const malformed of [{ alg: 1 }, { alg: 'RS256', crit: ['x'] }]) {
    t.throws(() => parse(malformed))
    t.throws(() => parse(malformed), 'never cached')
  }
})

t.test('does not retain the token of a header', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const known = new KnownHeaders()
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 200; i++) {
    const token = Buffer.alloc(500_000, `${i}-header.`).toString('latin1')
    known.remember(token.slice(0, 200), header)
    known.rememberLatest(token.slice(0, 100), header)
  }
  collect()
  t.ok(process.memoryUsage().heapUsed - before < 20_000_000, 'of 100 MB')
})

t.test('rejects a forged token with a cached header', async (t) => {
  const [key, otherKey] = [await makeKey('RS256', 'a'), await makeKey('RS256', 'a')]
  const server = await createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
    now: () => NOW * 1000,
  })
  t.equal(await outcome(server, forge(otherKey)), 'signature', 'before the header is cached')
  t.equal(await outcome(server, forge(key)), 'accepted')
  t.equal(await outcome(server, forge(otherKey)), 'signature', 'after the header is cached')
  const head = base64url(goodHeader(key))
  for (const claims of ['e30', '', '=', '\u0141AAA', 'e30=', ' e30']) {
    const input = `${head}.${claims}`
    const raw = `${input}.${signature(key, input).toString('base64url')}`
    t.not(await outcome(server, raw), 'accepted', JSON.stringify(claims))
  }
})

t.test('caches headers of verified tokens only', async (t) => {
  const [key, otherKey] = [await makeKey('ES256', 'a'), await makeKey('ES256', 'a')]
  const server = await createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
    now: () => NOW * 1000,
  })
  const remembered: string[] = []
  const { remember } = KnownHeaders.prototype
  t.teardown(() => {
    KnownHeaders.prototype.remember = remember
  })
  KnownHeaders.prototype.remember = function (segment, value) {
    remembered.push(segment)
    remember.call(this, segment, value)
  }
  for (const raw of [forge(otherKey), forge(key, { claims: { exp: 1 } }), 'a.b.c']) {
    t.not(await outcome(server, raw), 'accepted')
  }
  t.same(remembered, [])
  t.equal(await outcome(server, forge(key)), 'accepted')
  t.same(remembered, [base64url(goodHeader(key))])
})
