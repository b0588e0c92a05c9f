/** Requests with proofs while the replay store is unavailable, and quotas. */
import t from 'tap'
import { createResourceServer, memoryStore, StoreUnavailableError } from '../../../src/index.js'
import { DPoPClient } from '../../fixtures/dpop-client.js'
import { AUDIENCE, ISSUER, seconds } from '../../fixtures/issuer.js'
import { key, tokenOf } from '../../fixtures/protected-api.js'

const client = await DPoPClient.make()
const url = 'https://api.example/'
const token = await tokenOf({ cnf: { jkt: client.jkt }, exp: seconds() + 3_000 })

async function start(whenUnavailable?: 'reject' | 'dangerouslyAccept') {
  const clock = { now: Date.now() }
  const warnings: string[] = []
  const store = memoryStore()
  store.add = () => Promise.reject(new Error('the store is away'))
  const server = await createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
    dpop: whenUnavailable === undefined ? 'allowed' : { replay: { whenUnavailable } },
    stores: { replay: store },
    now: () => clock.now,
    logger: { warn: (_details, message) => void warnings.push(message) },
  })
  const send = async () => {
    const proof = await client.proof({ url, token }, { claims: { iat: seconds(clock.now) } })
    return server.verify({ token, dpop: { proof, method: 'GET', url } })
  }
  return { clock, warnings, send }
}

/** Returns a hundred proofs for each key. */
function withSmallShares(replay = memoryStore()) {
  return createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
    dpop: { replay: { maxEntriesPerKey: 100 } },
    stores: { replay },
  })
}

for (const choice of [undefined, 'reject'] as const) {
  t.test(`P5: responds with 503 with whenUnavailable: ${choice}`, async (t) => {
    const { send } = await start(choice)
    const error = await send().catch((error) => error)
    t.ok(error instanceof StoreUnavailableError)
    t.match(error, { statusCode: 503, check: 'store-unavailable', retryAfter: 1 })
    t.same(error.headers, { 'retry-after': '1' })
    t.match(error.reason, {
      expected: 'the DPoP replay store',
      found: 'the store is away',
    })
  })
}

t.test('P5: accepts the proof with whenUnavailable: dangerouslyAccept', async (t) => {
  const { send } = await start('dangerouslyAccept')
  t.ok(await send())
})

t.test('logs once a second, regardless of the number of failures', async (t) => {
  const { clock, warnings, send } = await start()
  for (let i = 0; i < 20; i++) await send().catch(() => {})
  t.equal(warnings.length, 1)
  t.match(warnings, [/^DPoP replay store unavailable; request rejected with 503$/])
  clock.now += 1_000
  await send().catch(() => {})
  t.equal(warnings.length, 2)
})

t.test('P5: a client that sends unlimited proofs cannot use the quota of others', async (t) => {
  const clock = { now: Date.now() }
  const other = await DPoPClient.make()
  const rejections: unknown[] = []
  const server = await createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
    // `whenUnavailable` does not lift the quota.
    dpop: {
      maxProofAge: 60,
      replay: { maxEntriesPerKey: 100, whenUnavailable: 'dangerouslyAccept' },
    },
    now: () => clock.now,
    logger: { warn: (details) => void rejections.push(details) },
  })
  const proofBy = (by: DPoPClient, token: string) =>
    by.proof({ url, token }, { claims: { iat: seconds(clock.now) } })
  const send = async (by: DPoPClient, token: string, proof?: string) => {
    const dpop = { proof: proof ?? (await proofBy(by, token)), method: 'GET', url }
    return server.verify({ token, dpop }).then(
      () => 'accepted',
      (error) => error,
    )
  }
  const theirs = await tokenOf({ cnf: { jkt: other.jkt }, exp: seconds() + 3_000 })

  const first = await proofBy(client, token)
  t.equal(await send(client, token, first), 'accepted')
  for (let i = 0; i < 150; i++) t.match(await send(client, token, first), { statusCode: 401 })
  for (let i = 1; i < 100; i++)
    t.equal(await send(client, token), 'accepted', 'replays do not count')
  const error = await send(client, token)
  t.ok(error instanceof StoreUnavailableError)
  t.match(error.reason, {
    found: /proof quota of one key exceeded \(dpop\.replay\.maxEntriesPerKey = 100\)/,
  })
  t.equal(await send(other, theirs), 'accepted', 'clients with other keys are accepted')
  t.strictSame(rejections, [], 'the store has not failed')

  clock.now += 203_000
  t.equal(await send(client, token), 'accepted', 'and so is the first client, later')
  clock.now += 1_000_000
  t.equal(await send(client, token), 'accepted')
  t.equal(await send(other, theirs), 'accepted')
})

t.test('P5: keeps a proof for as long as any instance would accept it', async (t) => {
  let now = seconds() * 1_000
  const kept: number[] = []
  const store = memoryStore()
  store.add = async (_key, _value, ttl) => kept.push(ttl) > 0
  const server = await createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
    clockTolerance: 20,
    dpop: { maxProofAge: 100 },
    stores: { replay: store },
    now: () => now,
  })
  now += 100_000
  for (const madeBefore of [0, 50, -20]) {
    const claims = { iat: seconds(now) - madeBefore }
    const proof = await client.proof({ url, token }, { claims })
    await server.verify({ token, dpop: { proof, method: 'GET', url } })
  }
  t.same(kept, [180_000, 180_000, 180_000], 'regardless of its "iat" and our clock')
})

t.test('P5: an indeterminate entry counts against the quota', async (t) => {
  for (const code of ['store_indeterminate', 'other', undefined]) {
    const store = memoryStore()
    const error = Object.assign(new Error('it may have forgotten'), { code })
    store.add = () => Promise.reject(code === undefined ? 'no error' : error)
    const server = await withSmallShares(store)
    const send = async () => {
      const dpop = { proof: await client.proof({ url, token }), method: 'GET', url }
      return server.verify({ token, dpop }).catch(({ reason }) => reason.found)
    }
    for (let i = 0; i < 100; i++) await send()
    const last = await send()
    if (code === 'store_indeterminate') t.match(last, /dpop\.replay\.maxEntriesPerKey = 100/)
    else t.notMatch(last, /maxEntriesPerKey/, 'an indeterminate replay does not count')
  }
})

t.test('P5: concurrent requests during a slow store call cannot exceed the quota', async (t) => {
  const store = memoryStore()
  const { add } = store
  let added = 0
  store.add = async (...entry) => {
    await new Promise((done) => setTimeout(done, 50))
    added++
    return add.apply(store, entry)
  }
  const server = await withSmallShares(store)
  const send = (proof: string) =>
    server.verify({ token, dpop: { proof, method: 'GET', url } }).then(
      () => 'passed',
      ({ message }) => message,
    )
  const proofs = await Promise.all(Array.from({ length: 150 }, () => client.proof({ url, token })))
  const all = await Promise.all(proofs.map(send))
  t.equal(all.filter((one) => one === 'passed').length, 100)
  t.equal(added, 100)
})

t.test('P5: replays do not count against the quota', async (t) => {
  const server = await withSmallShares()
  const send = (proof: string) => server.verify({ token, dpop: { proof, method: 'GET', url } })
  const proof = await client.proof({ url, token })
  await send(proof)
  for (let i = 0; i < 150; i++) await t.rejects(send(proof), { message: /was used before/ })
  await send(await client.proof({ url, token }))
})
