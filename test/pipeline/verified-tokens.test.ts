import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import type { AccessToken } from '../../src/access-token/access-token.js'
import { fingerprintOf } from '../../src/pipeline/fingerprint.js'
import { type VerificationResult, VerifiedTokens } from '../../src/pipeline/verified-tokens.js'
import { forge } from '../fixtures/forgery.js'
import { makeKey } from '../fixtures/issuer.js'

const key = await makeKey('ES256')

function resultFor(raw: string, claims: object = {}): VerificationResult {
  const detach = (prefix: string) => prefix + raw
  return { token: { raw, claims, detach } as AccessToken } as VerificationResult
}

function tokens(count: number, length = 200): string[] {
  return Array.from({ length: count }, (_, i) => {
    const end = createHash('sha256').update(`${i}`).digest('base64url')
    return 'h'.repeat(length - end.length) + end
  })
}

function keeps(t: Test, cache: VerifiedTokens, raw: string, title: string): void {
  t.equal(cache.get(raw, 1)?.token.raw, raw, title)
}

t.test('keeps a new token in the window and promotes it on second use', async (t) => {
  const cache = new VerifiedTokens({ maxEntries: 9, maxBytes: 1_000_000 })
  const [raw] = tokens(1) as [string]
  t.equal(cache.get(raw, 1), undefined)
  cache.add(resultFor(raw), 1)
  t.equal(cache.size, 0)
  keeps(t, cache, raw, 'the second time')
  t.equal(cache.size, 1)
})

t.test('promotes a token that recurs after it left the window', async (t) => {
  const cache = new VerifiedTokens({ maxEntries: 1_000, maxBytes: 10_000_000 })
  const all = tokens(1_000)
  for (const raw of all) cache.add(resultFor(raw), 1)
  t.ok(cache.size < 300, 'after one use, almost no token is in the main cache')
  for (const raw of all) if (cache.get(raw, 1) === undefined) cache.add(resultFor(raw), 1)
  t.equal(cache.size, 1_000)
  t.ok(all.every((raw) => cache.get(raw, 1)?.token.raw === raw))
})

t.test('distinguishes tokens with the same end', async (t) => {
  const cache = new VerifiedTokens({ maxEntries: 9, maxBytes: 1_000_000 })
  const end = 'e'.repeat(43)
  for (const sight of ['in the window', 'with a place']) {
    cache.add(resultFor(`a${end}`), 1)
    t.equal(cache.get(`b${end}`, 1), undefined, sight)
    t.equal(cache.get(end, 1), undefined)
    keeps(t, cache, `a${end}`, sight)
  }
  cache.add(resultFor(`b${end}`), 1)
  keeps(t, cache, `b${end}`, 'the later one replaces the other')
  for (const raw of [...'abba'].map((first) => `${first}${end}`)) {
    t.match(cache.get(raw, 1)?.token.raw ?? raw, raw, 'the cache returns this token or none')
  }
})

t.test('finds a token of the main cache by its header', async (t) => {
  const cache = new VerifiedTokens({ maxEntries: 9, maxBytes: 1_000_000 })
  const [raw, other] = tokens(2) as [string, string]
  cache.add(resultFor(raw), 1)
  t.equal(cache.getByHeader(`Bearer ${raw}`, 1), undefined, 'a token in the window is not')
  keeps(t, cache, raw, 'the second time')
  t.equal(cache.getByHeader(`Bearer ${raw}`, 1)?.token.raw, raw)
  const others = [
    raw,
    `bearer ${raw}`,
    `Bearer  ${raw}`,
    `Bearer ${raw} `,
    `DPoP ${raw}`,
    `Bearer ${other}`,
    `Bearer x${raw}`,
    `Bearer ${raw.slice(1)}`,
    `Bearer ${raw.slice(-43)}`,
    ` Bearer ${raw}`,
    `Bearer Bearer ${raw}`,
    `Basic ${raw}, Bearer ${raw}`,
    'Bearer ',
    '',
  ]
  for (const header of others) t.equal(cache.getByHeader(header, 1), undefined, header.slice(0, 20))
  t.equal(cache.get(`Bearer ${raw}`, 1), undefined, 'and no header is a token')
})

t.test('a look-up by header touches the entry', async (t) => {
  const cache = new VerifiedTokens({ maxEntries: 2, maxBytes: 1_000_000 })
  const [first, second, third] = tokens(3) as [string, string, string]
  for (const raw of [first, second]) for (let i = 0; i < 2; i++) cache.add(resultFor(raw), 1)
  cache.getByHeader(`Bearer ${first}`, 31)
  for (let i = 0; i < 2; i++) cache.add(resultFor(third), 31)
  t.ok(cache.getByHeader(`Bearer ${first}`, 31))
  t.notOk(cache.getByHeader(`Bearer ${second}`, 31))
})

t.test('orders entries by use, to half a minute, also after the clock is set back', async (t) => {
  for (const [now, survivor] of [
    [129, 'second'],
    [130, 'first'],
    [71, 'second'],
    [70, 'first'],
    [Number.NaN, 'first'],
  ] as const) {
    const cache = new VerifiedTokens({ maxEntries: 2, maxBytes: 1_000_000 })
    const [first, second, third] = tokens(3) as [string, string, string]
    for (const raw of [first, second]) for (let i = 0; i < 2; i++) cache.add(resultFor(raw), 100)
    t.ok(cache.get(first, now))
    for (let i = 0; i < 2; i++) cache.add(resultFor(third), now)
    const kept = cache.getByHeader(`Bearer ${first}`, now) === undefined ? 'second' : 'first'
    t.equal(kept, survivor, `at ${now}`)
  }
})

t.test('evicts the least recently used entry beyond maxEntries', async (t) => {
  const cache = new VerifiedTokens({ maxEntries: 2, maxBytes: 1_000_000 })
  const all = tokens(200)
  for (const raw of all) {
    cache.add(resultFor(raw), 1)
    cache.get(raw, 1)
    t.ok(cache.size <= 2)
  }
  const kept = all.filter((raw) => cache.get(raw, 1) !== undefined)
  t.ok(kept.length <= 2 + 64, `${kept.length}: main cache and window`)
  keeps(t, cache, all[199] as string, 'the last one')
})

t.test('bounds its bytes, those of the window included', async (t) => {
  const cache = new VerifiedTokens({ maxEntries: 1_000, maxBytes: 65_536 })
  const large = tokens(100, 8_192)
  for (let sight = 0; sight < 3; sight++) {
    for (const raw of large) if (cache.get(raw, 1) === undefined) cache.add(resultFor(raw), 1)
  }
  const kept = large.filter((raw) => cache.get(raw, 1) !== undefined)
  t.equal(kept.length, 1, '33,792 bytes each')
  const [huge] = tokens(1, 40_000) as [string]
  for (let sight = 0; sight < 3; sight++) cache.add(resultFor(huge), 1)
  t.equal(cache.get(huge, 1), undefined, 'an oversized token is not cached')
})

t.test('counts nested claims: a short token can contain thousands of arrays', async (t) => {
  const cache = new VerifiedTokens({ maxEntries: 1_000, maxBytes: 1_000_000 })
  const nested = { a: Array.from({ length: 500 }, () => [{ b: null }]) }
  const all = tokens(100, 4_000)
  for (let sight = 0; sight < 3; sight++) {
    for (const raw of all) if (!cache.get(raw, 1)) cache.add(resultFor(raw, nested), 1)
  }
  t.equal(cache.size, 6, '145,000 bytes each')
})

t.test('evicts a token that did not recur for a long time', async (t) => {
  const cache = new VerifiedTokens({ maxEntries: 100, maxBytes: 10_000_000 })
  const all = tokens(2_000)
  for (const raw of all) cache.add(resultFor(raw), 1)
  const placesFor = (some: string[]) =>
    some.filter((raw) => {
      const { size } = cache
      cache.add(resultFor(raw), 1)
      return cache.size > size
    }).length
  t.ok(placesFor(all.slice(0, 50)) < 25, 'mostly the oldest')
})

t.test('the ends of real tokens have distinct fingerprints', async (t) => {
  const raws = Array.from({ length: 500 }, (_, i) => forge(key, { claims: { jti: `${i}` } }))
  t.equal(new Set(raws.map(fingerprintOf)).size, 500)
  t.ok(new Set(raws.map((raw) => fingerprintOf(raw) % 64)).size > 55, 'spread over all buckets')
  t.ok(raws.every((raw) => Number.isInteger(fingerprintOf(raw)) && fingerprintOf(raw) >= 0))
})
