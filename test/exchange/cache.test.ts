/** The cache of exchanged tokens: whose token is returned, and for how long. */
import fc from 'fast-check'
import t from 'tap'
import { Fingerprints } from '../../src/exchange/fingerprints.js'
import { json } from '../fixtures/key-server.js'
import { exchangerOf, issued, jwt, startTokenServer, subjectOf } from '../fixtures/token-server.js'

t.test('returns the cached token until its expiry less the margin', async (t) => {
  const server = await startTokenServer(t)
  const { clock, outcome } = await exchangerOf(t, server, { expiryMargin: 30_000 })
  t.equal(await outcome('a'), 'issued-for-a-1')
  clock.now += 269_999
  t.equal(await outcome('a'), 'issued-for-a-1')
  clock.now += 1
  t.equal(await outcome('a'), 'issued-for-a-2')
})

t.test('caches no token past the expiry of the subject token', async (t) => {
  const server = await startTokenServer(t)
  const { clock, outcome } = await exchangerOf(t, server)
  const exp = clock.now / 1_000 + 60
  const token = jwt({ iss: server.issuer, exp })
  await outcome(token)
  clock.now += 59_999
  await outcome(token)
  t.equal(server.exchanges.length, 1)
  clock.now += 1
  await outcome(token)
  await outcome(token)
  t.equal(server.exchanges.length, 3, 'an expired subject token has no cached token')
})

t.test('does not cache a token without, or with a short lifetime', async (t) => {
  const server = await startTokenServer(t)
  const { exchanger } = await exchangerOf(t, server)
  for (const expires_in of [undefined, 0, 30]) {
    server.state.respond = () => json(issued({ expires_in }))
    const before = server.exchanges.length
    const { expiresAt } = await exchanger.exchange('a')
    await exchanger.exchange('a')
    t.equal(expiresAt, expires_in === undefined ? undefined : 1_800_000_000 + expires_in)
    t.equal(server.exchanges.length, before + 2)
  }
})

t.test(
  'users never share a token, even if their subject tokens differ by a character',
  async (t) => {
    const server = await startTokenServer(t)
    const { outcome } = await exchangerOf(t, server)
    const claims = { iss: server.issuer, sub: 'ada' }
    const tokens = [
      jwt(claims, 'c2ln'),
      jwt(claims, 'c2lo'),
      'user-1',
      'user-11',
      'user-1.',
      'USER-1',
    ]
    const before = await Promise.all(tokens.map((token) => outcome(token)))
    for (const [i, token] of tokens.entries()) {
      t.match(before[i], `issued-for-${token}-`)
      t.equal(await outcome(token), before[i], 'the same token from the cache')
    }
    t.equal(new Set(before).size, tokens.length)
    t.equal(server.exchanges.length, tokens.length)
  },
)

t.test('requests that concatenation would confuse never share a token', async (t) => {
  const server = await startTokenServer(t)
  const { outcome } = await exchangerOf(t, server)
  const requests = [
    {},
    { audience: 'a' },
    { audience: 'ab' },
    { audience: ['a', 'b'] },
    { audience: 'a,b' },
    { audience: 'a', scope: 'b' },
    { audience: 'a b' },
    { scope: 'a' },
    { scope: 'a b' },
    { scope: 'ab' },
    { audience: '"],["scope","a' },
    { audience: 'https://a.example' },
    { resource: 'https://a.example' },
    { audience: 'a', actorToken: 'b' },
    { audience: 'a', actorToken: 'c' },
    { parameters: { a: 'b' } },
    { parameters: { a: 'b', c: '' } },
    { parameters: { ac: 'b' } },
    { parameters: { a: 'cb' } },
    { parameters: { a: 'b&c=' } },
    { parameters: { a: 'b,c,' } },
    { audience: 'aaudienceb' },
    { audience: 'a&audience=b' },
    { audience: 'a,audience,b' },
    { parameters: { scop: 'ea' } },
  ]
  const tokens = []
  for (const request of requests) tokens.push(await outcome('user', request))
  for (const [i, request] of requests.entries()) t.equal(await outcome('user', request), tokens[i])
  t.equal(new Set(tokens).size, requests.length)
  // A part of the subject token can't move into the request.
  t.not(await outcome('usera'), tokens[1])
  t.equal(server.exchanges.length, requests.length + 1)
})

t.test('the order and repetition of audience and scope have no meaning', async (t) => {
  const server = await startTokenServer(t)
  const { outcome } = await exchangerOf(t, server)
  await outcome('a', { audience: ['x', 'y'], scope: 'read write' })
  await outcome('a', { audience: ['y', 'x', 'x'], scope: ['write', 'read'] })
  t.equal(server.exchanges.length, 1)
})

t.test('fingerprints differ for all different parts', async (t) => {
  const fingerprints = new Fingerprints()
  const parts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.string())))
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const isSame = JSON.stringify(a) === JSON.stringify(b)
      return (fingerprints.of(a) === fingerprints.of(b)) === isSame
    }),
  )
  const confusable = [
    ['ab', 'c'],
    ['a', 'bc'],
    ['abc'],
    ['a', 'b', 'c'],
    [['a', 'b'], 'c'],
    ['a,b,c'],
  ]
  t.equal(new Set(confusable.map((each) => fingerprints.of(each))).size, confusable.length)
  t.not(fingerprints.of(['a']), new Fingerprints().of(['a']), 'each process has its own key')
})

t.test('100 concurrent exchanges send one request, and one for each further user', async (t) => {
  const server = await startTokenServer(t)
  const release = server.hold()
  const { outcome } = await exchangerOf(t, server)
  const ada = Promise.all(Array.from({ length: 100 }, () => outcome('ada', { audience: 'x' })))
  const bob = Promise.all(Array.from({ length: 100 }, () => outcome('bob', { audience: 'x' })))
  setTimeout(release, 50)
  const [ofAda, ofBob] = await Promise.all([ada, bob])
  t.equal(server.exchanges.length, 2)
  t.equal(server.count(server.metadataPath), 1)
  t.ok(ofAda.every((token) => token.startsWith('issued-for-ada-')))
  t.ok(ofBob.every((token) => token.startsWith('issued-for-bob-')))
})

t.test('evicts the least recently used tokens, by number and by size', async (t) => {
  const server = await startTokenServer(t)
  const few = await exchangerOf(t, server, { maxEntries: 2 })
  for (const user of ['a', 'b', 'a', 'c', 'a']) await few.outcome(user)
  t.equal(server.exchanges.length, 3)
  await few.outcome('b')
  t.equal(server.exchanges.length, 4, 'b was evicted')

  server.state.respond = (form) =>
    json(issued({ access_token: `${subjectOf(form)}${'x'.repeat(30_000)}` }))
  const small = await exchangerOf(t, server, { maxBytes: 65_536 })
  for (const user of ['a', 'b', 'c', 'b', 'c']) await small.outcome(user)
  t.equal(server.exchanges.length, 7)
  await small.outcome('a')
  t.equal(server.exchanges.length, 8, 'a was evicted')
})

t.test('counts the scope of a token as part of its size', async (t) => {
  const server = await startTokenServer(t)
  server.state.respond = () =>
    json(issued({ scope: Array.from({ length: 1_000 }, (_, i) => `scope:${i}`).join(' ') }))
  const { outcome } = await exchangerOf(t, server, { maxBytes: 65_536 })
  for (const user of ['a', 'b', 'a']) await outcome(user)
  t.equal(server.exchanges.length, 3, 'a was evicted')
})

t.test('returns no expired token after the monotonic clock stopped', async (t) => {
  const server = await startTokenServer(t)
  const { clock, outcome } = await exchangerOf(t, server)
  await outcome('a')
  clock.now += 300_000
  clock.paused += 300_000
  t.equal(await outcome('a'), 'issued-for-a-2')
})

t.test('requests a new token after discard()', async (t) => {
  const server = await startTokenServer(t)
  const { exchanger } = await exchangerOf(t, server)
  const first = await exchanger.exchange('a')
  const ofBob = await exchanger.exchange('b')
  exchanger.discard(first)
  const second = await exchanger.exchange('a')
  t.not(second, first)
  exchanger.discard(first)
  t.equal(await exchanger.exchange('a'), second, 'a token that was replaced discards no other')
  t.equal(await exchanger.exchange('b'), ofBob)
})

t.test('a token of one user is immutable for the others who receive it', async (t) => {
  const server = await startTokenServer(t)
  const { exchanger } = await exchangerOf(t, server)
  const token = await exchanger.exchange('a', { scope: 'read' })
  t.throws(() => Object.assign(token, { tokenType: 'x' }), TypeError)
  t.throws(() => (token.scope as string[]).push('admin'), TypeError)
})
