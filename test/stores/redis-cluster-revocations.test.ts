/**
 * Revocations in a Redis Cluster, and through Sentinel, whose client changes the server without an
 * event. With real servers: `suites/redis`.
 */
import t from 'tap'
import { redisStore, type Store } from '../../src/index.js'
import type { RevocationToStore } from '../../src/stores/store.js'
import { FakeCluster, FakeIoCluster, FakeNodeCluster, nodesOf } from '../fixtures/fake-cluster.js'
import { connected, FakeIoRedis, FakeNodeSentinel, FakeRedis } from '../fixtures/fake-redis.js'
import { revocationsIn } from '../fixtures/faulty-store.js'

function revocation(what: string | number): RevocationToStore {
  return { name: `${what}`.padEnd(43, '-'), before: 1_000, lastIssued: 1_000, ttl: 60_000 }
}

const reads = (store: Store): (() => Promise<unknown>)[] => [
  () => store.revocationsSince(undefined),
  () => store.revocationsSince('a b'),
  () => revocationsIn(store),
]

const CLIENTS: Record<string, () => Promise<{ redis: FakeRedis; store: Store }>> = {
  'a Cluster with ioredis': async () => {
    const cluster = new FakeCluster()
    const client = await connected(new FakeIoCluster(cluster))
    return { redis: cluster.revocations, store: redisStore({ client }) }
  },
  'a Cluster with node-redis': async () => {
    const cluster = new FakeCluster()
    const client = await connected(new FakeNodeCluster(cluster))
    return { redis: cluster.revocations, store: redisStore({ client }) }
  },
  'Sentinel with node-redis': async () => {
    const redis = new FakeRedis()
    const client = await connected(new FakeNodeSentinel(redis))
    return { redis, store: redisStore({ client }) }
  },
}

for (const [name, make] of Object.entries(CLIENTS)) {
  t.test(`${name}: returns the changes after a revision`, async (t) => {
    const { redis, store } = await make()
    const first = await store.revocationsSince(undefined)
    t.strictSame([first?.revocations, first?.more], [[], false])
    t.strictSame(await store.revocationsSince(first?.revision), first, 'no change')
    const all = Array.from({ length: 1_500 }, (_, i) => revocation(i))
    await store.mergeRevocations(all)
    const changes = await store.revocationsSince(first?.revision)
    t.strictSame([changes?.revocations.length, changes?.more], [1_000, true])
    const rest = await store.revocationsSince(changes?.revision)
    t.strictSame([rest?.revocations.length, rest?.more], [500, false])
    t.equal((await store.revocationsSince(undefined))?.revision, rest?.revision)
    const found = await revocationsIn(store)
    t.strictSame(new Set(found.map((one) => one.name)), new Set(all.map((one) => one.name)))
    redis.clear()
    t.equal(await store.revocationsSince(rest?.revision), undefined)
  })

  t.test(`${name}: returns undefined after a failover, because changes may be lost`, async (t) => {
    for (const failOver of [
      ({ info }: FakeRedis) => {
        info.run_id = 'z9'
      },
      ({ info }: FakeRedis) => {
        info.master_replid2 = 'f2'
      },
    ]) {
      const { redis, store } = await make()
      await store.mergeRevocations([revocation('a')])
      const revision = (await store.revocationsSince(undefined))?.revision
      // The stream is the same up to the revision, and lacks what followed it.
      failOver(redis)
      t.equal(await store.revocationsSince(revision), undefined)
    }
  })

  t.test(`${name}: rejects a list that a failover interrupts`, async (t) => {
    const { redis, store } = await make()
    await store.mergeRevocations(Array.from({ length: 2_500 }, (_, i) => revocation(i)))
    const slices = store.listRevocations()[Symbol.asyncIterator]()
    t.equal((await slices.next()).value.length > 900, true)
    redis.info.run_id = 'z9'
    await t.rejects(slices.next(), { message: /Redis was replaced, or the revocations moved/ })
    t.equal((await revocationsIn(store)).length, 2_500, 'the next list is complete')
  })

  t.test(`${name}: rejects unexpected replies`, async (t) => {
    const { redis, store } = await make()
    redis.info.run_id = '?'
    for (const call of reads(store)) {
      await t.rejects(call(), { message: /INFO lacks run_id/ })
    }
  })
}

t.test('the keys of a Cluster are in one slot', async (t) => {
  const cluster = new FakeCluster()
  const store = redisStore({ client: await connected(new FakeIoCluster(cluster)), prefix: 'a:' })
  await store.mergeRevocations([revocation('a')])
  const { entries, streams } = cluster.revocations
  t.strictSame([...entries.keys()], [`a:{revocations}:${revocation('a').name}`])
  t.strictSame([...streams.keys()], ['a:{revocations}'])
})

t.test('rejects a list while the slot migrates, and if it left and returned', async (t) => {
  const cluster = new FakeCluster()
  const store = redisStore({ client: await connected(new FakeIoCluster(cluster)) })
  await store.mergeRevocations(Array.from({ length: 2_500 }, (_, i) => revocation(i)))
  const { revocations } = cluster
  for (const state of [' [10721->-f0]', ' 300-400 [10721-<-f0]']) {
    revocations.clusterNodes = nodesOf(1, state)
    await t.rejects(revocationsIn(store), { message: /the slot of the revocations is migrating/ })
  }
  revocations.clusterNodes = nodesOf(1, ' [1072->-f0] [0721-<-f0]')
  t.equal((await revocationsIn(store)).length, 2_500, 'other slots do not matter')

  const slices = store.listRevocations()[Symbol.asyncIterator]()
  await slices.next()
  revocations.clusterNodes = nodesOf(12)
  await t.rejects(slices.next(), { message: /the revocations moved/ })

  for (const nodes of ['', 'f0 127.0.0.1:1@2 master - 0 0 9 connected 0-99\n', 'a myself\n']) {
    revocations.clusterNodes = nodes
    await t.rejects(revocationsIn(store), { message: /CLUSTER NODES lacks the config epoch/ })
  }
})

t.test('rejects replies that are no text', async (t) => {
  const cluster = new FakeCluster()
  const client = await connected(new FakeIoCluster(cluster))
  const store = redisStore({ client })
  for (const reply of [undefined, [], ['a'], [1, []], [null, [], []], ['a', 'b', 'c']]) {
    client.call = async () => reply
    for (const call of reads(store)) {
      await t.rejects(call(), { message: /^Unexpected reply/ }, JSON.stringify(reply))
    }
  }
})

t.test('one server: rejects a list during which the client reconnects', async (t) => {
  const redis = new FakeRedis()
  const store = redisStore({ client: await connected(new FakeIoRedis(redis)) })
  await store.mergeRevocations(Array.from({ length: 2_500 }, (_, i) => revocation(i)))
  const message = /Redis was replaced/
  const slices = store.listRevocations()[Symbol.asyncIterator]()
  await slices.next()
  redis.restart({ keeping: true })
  await t.rejects(slices.next(), { message }, 'the cursor belongs to another server')
  redis.clear()
  await store.mergeRevocations(Array.from({ length: 500 }, (_, i) => revocation(i)))
  redis.onCommand = (command) => {
    if (command === 'MGET') redis.restart({ keeping: true })
  }
  await t.rejects(revocationsIn(store), { message }, 'the values are those of another server')
  redis.onCommand = () => undefined
  t.equal((await revocationsIn(store)).length, 500)
})
