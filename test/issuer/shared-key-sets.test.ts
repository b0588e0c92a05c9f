import t from 'tap'
import { SharedKeySets } from '../../src/issuer/shared-key-sets.js'
import { JwksCache, type JwksCacheOptions } from '../../src/keys/jwks-cache.js'
import { makeKey } from '../fixtures/issuer.js'
import { settled } from '../fixtures/rejections.js'

const A = 'https://a.example'
const B = 'https://b.example'
const { publicJwk } = await makeKey('ES256', 'k1')

/** Key sets whose fetches wait until the test responds. */
function keySets(maxEntries: number) {
  const it = {
    sets: new SharedKeySets(maxEntries),
    fetches: [] as { issuer: string; signal: AbortSignal; respond: () => void }[],
    share: (issuer: string, concerns: unknown = {}) =>
      it.sets.share(issuer, concerns, () => new JwksCache(options(issuer))),
  }
  const options = (issuer: string): JwksCacheOptions => ({
    issuer,
    fetchKeySet: (signal) =>
      new Promise((resolve) => {
        const response = () => resolve({ body: { keys: [publicJwk] }, maxAge: undefined })
        it.fetches.push({ issuer, signal, respond: response })
      }),
    timeout: 5_000,
    cooldown: 10_000,
    refetchBurst: 3,
    cacheMinAge: 1_000,
    cacheMaxAge: 60_000,
    staleIfError: 0,
    maxKeys: 10,
    refreshUnused: false,
    persisted: undefined,
    now: () => 1_000_000,
    onFailure: () => {},
    onFetched: () => {},
    onSkipped: () => {},
  })
  return it
}

t.test('shares a key set among issuers with equal key options only', async (t) => {
  const it = keySets(10)
  const [one, two, other] = [it.share(A), it.share(A), it.share(A, { jwksUri: B })]
  t.equal(one.status().state, 'empty')
  t.equal(one.whyNot('ES256', 'k1'), 'no key set')
  await one.refresh()
  one.prefetch()
  await settled()
  t.same(it.fetches, [], 'nothing is fetched before the first lookup')
  const found = one.find('ES256', 'k1')
  await settled()
  it.fetches[0]?.respond()
  const [key] = await found
  t.ok(key !== undefined && two.trusts(key))
  t.same(two.find('ES256', 'k1'), [key], 'synchronously')
  t.equal(two.status().state, 'fresh')
  t.match(two.whyNot('RS256', 'k1'), /in the key set fetched 0 s ago$/)
  t.notOk(key !== undefined && other.trusts(key))
  t.equal(it.fetches.length, 1)
  await one.close()
  t.same(two.find('ES256', 'k1'), [key], 'closed for one issuer, open for the other')
  t.same(two.findNewer('ES256', 'k1', []), [key])
  await other.close()
  await it.sets.close()
})

t.test('closes an evicted key set once no request waits for it', async (t) => {
  const it = keySets(1)
  const a = it.share(A)
  const [first, second] = [a.find('ES256', 'k1'), a.find('ES256', 'k1')]
  await settled()
  const b = it.share(B).find('ES256', 'k1')
  await settled()
  t.same(
    it.fetches.map(({ issuer, signal }) => [issuer, signal.aborted]),
    [
      [A, false],
      [B, false],
    ],
  )
  for (const { respond: response } of it.fetches) response()
  const [key] = await first
  t.equal((await second)[0], key)
  t.equal((await b).length, 1)
  t.equal(a.status().state, 'empty')
  t.notOk(key !== undefined && a.trusts(key))
  await it.sets.close()
})

t.test(
  'close() aborts all fetches, including those of evicted key sets, and allows no others',
  async (t) => {
    const it = keySets(1)
    const waiting = [A, B].map((issuer) => it.share(issuer).find('ES256', 'k1'))
    await settled()
    await it.sets.close()
    for (const outcome of waiting)
      await t.rejects(async () => outcome, { name: 'KeysUnavailableError' })
    t.ok(it.fetches.every(({ signal }) => signal.aborted))
    const late = it.share('https://late.example').find('ES256', 'k1')
    await t.rejects(async () => late, { name: 'KeysUnavailableError' })
    t.equal(it.fetches.length, 2)
  },
)
