/** Tests every operation of a store in a Redis Cluster with every client. */
import t from 'tap'
import { revocationsIn } from '../../test/fixtures/faulty-store.js'
import { clusterClientNames, createClusterStore } from './fixtures/cluster-clients.js'
import { REVOCATIONS_SLOT, startCluster } from './fixtures/redis-cluster.js'
import { testOperations } from './fixtures/store-cases.js'

const cluster = await startCluster(t)
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Returns the sum of a counter of INFO over the masters. */
async function sumOf(section: string, counter: RegExp): Promise<number> {
  const counts = cluster.nodes.map(async ({ admin }) => {
    const info = await admin.info(section)
    return /role:master/.test(await admin.info('replication'))
      ? Number(counter.exec(info)?.[1] ?? 0)
      : 0
  })
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

for (const name of clusterClientNames) {
  t.test(name, async (t) => {
    const prefix = `${name}:`
    // The root nodes of one store are replicas only.
    const ports = [cluster.ports, cluster.ports.slice(3)]
    const make = (options = {}) =>
      createClusterStore(t, name, ports.pop() ?? cluster.ports, {
        prefix,
        afterRestart: 'dangerouslyAccept',
        timeout: 10_000,
        ...options,
      })
    const store = await make()
    const other = await make()

    testOperations(t, store, other)

    t.test('P5: rejects unknown entries of a new Cluster until they cannot be lost', async (t) => {
      const it = await make({ prefix: `new-${name}:`, afterRestart: 'reject' })
      it.declareMaxTtl?.(1_000)
      const INDETERMINATE = { code: 'store_indeterminate' }
      for (let i = 0; i < 20; i++) await t.rejects(it.add(`a-${i}`, '', 1_000), INDETERMINATE)
      await sleep(1_500)
      for (let i = 0; i < 20; i++) {
        t.equal(await it.add(`b-${i}`, '', 1_000), true)
        t.equal(await it.add(`b-${i}`, '', 1_000), false)
      }
    })

    t.test('sends commands to the master of their key', async (t) => {
      const redirects = () => sumOf('errorstats', /errorstat_MOVED:count=(\d+)/)
      const before = await redirects()
      for (let i = 0; i < 100; i++) {
        await store.add(`direct-${i}`, '', 60_000)
        await store.get(`direct-${i}`)
      }
      t.equal(await redirects(), before)
    })

    t.test('merges and lists 3,000 revocations in one slot', async (t) => {
      const start = (await store.revocationsSince(undefined))?.revision as string
      const revocations = Array.from({ length: 3_000 }, (_, i) => ({
        name: `${i}`.padEnd(43, '-'),
        before: i,
        lastIssued: i,
        ttl: 60_000,
      }))
      for (let i = 0; i < 3_000; i += 500)
        await store.mergeRevocations(revocations.slice(i, i + 500))
      t.equal((await revocationsIn(other)).length, 3_000)
      let [revision, count] = [start, 0]
      for (let more = true; more; ) {
        const changes = await other.revocationsSince(revision)
        if (changes === undefined) throw new Error('the revision is lost')
        count += changes.revocations.length
        ;({ revision, more } = changes)
      }
      t.equal(count, 3_000)
      const { admin } = await cluster.masterOf(REVOCATIONS_SLOT)
      t.equal(await admin.exists(`${prefix}{revocations}`), 1)
    })
    t.end()
  })
}
