/**
 * Tests a Redis Cluster whose masters are killed, replaced, paused and emptied under load, and whose
 * slots migrate: no entry is accepted twice.
 */
import t, { type Test } from 'tap'
import type { Store } from '../../src/index.js'
import { bucketTags, slotOf } from '../../src/stores/redis-slots.js'
import { clusterClientNamesForFaults, createClusterStore } from './fixtures/cluster-clients.js'
import { type ProofLoad, startLoad } from './fixtures/proof-load.js'
import { type ClusterNode, type RedisCluster, startCluster } from './fixtures/redis-cluster.js'
import { DURABLE } from './fixtures/redis-server.js'
import { until } from './fixtures/until.js'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** How long a proof is fresh, in milliseconds. */
const FRESH_FOR_MS = 3_000
/** Slots of buckets. */
const SLOTS = bucketTags().map(slotOf)
const [SLOT] = SLOTS as [number]

/** Returns a function that reports whether the Cluster accepted more than 50 entries since this call. */
function acceptsEntriesAgain(load: ProofLoad): () => boolean {
  const before = load.accepted
  return () => load.accepted > before + 50
}

async function startLoadOn(
  t: Test,
  name: string,
  { ports }: RedisCluster,
  afterRestart: 'reject' | 'dangerouslyAccept' = 'reject',
): Promise<ProofLoad> {
  const make = async (): Promise<Store> => {
    const store = await createClusterStore(t, name, ports, { afterRestart, timeout: 2_000 })
    store.declareMaxTtl?.(FRESH_FOR_MS)
    return store
  }
  const load = startLoad([await make(), await make()], FRESH_FOR_MS)
  t.teardown(() => load.stop())
  t.ok(await until(acceptsEntriesAgain(load)))
  return load
}

/** Cuts the replica off from its master, so that it lacks all later entries. */
async function detach(master: ClusterNode, replica: ClusterNode): Promise<() => Promise<unknown>> {
  await replica.admin.config('SET', 'masterauth', 'wrong')
  await master.admin.call('CLIENT', 'KILL', 'TYPE', 'replica')
  return () => replica.admin.config('SET', 'masterauth', '')
}

/** Kills the master of a slot whose replica lacks the entries of the last second. */
async function failOver(cluster: RedisCluster): Promise<ClusterNode> {
  const master = await cluster.masterOf(SLOT)
  const replica = await cluster.replicaOf(master)
  const attach = await detach(master, replica)
  await sleep(1_000)
  await master.server.kill()
  while ((await cluster.masterOf(SLOT).catch(() => master)) === master) await sleep(50)
  await attach()
  await cluster.untilUp()
  return master
}

const FAULTS: Record<string, (cluster: RedisCluster) => Promise<void>> = {
  'a master that is killed, and replaced by a replica that lags': async (cluster) => {
    const old = await failOver(cluster)
    await sleep(FRESH_FOR_MS)
    await old.server.start()
  },
  'a master without persistence that is killed and restarted': async (cluster) => {
    const { server } = await cluster.masterOf(SLOT)
    await server.kill()
    await server.start()
    await cluster.untilUp()
  },
  'a master that hangs until it is replaced, and returns as a replica': async (cluster) => {
    const master = await cluster.masterOf(SLOT)
    const attach = await detach(master, await cluster.replicaOf(master))
    await sleep(500)
    master.server.hang()
    // The other nodes know the new master.
    const admins = cluster.nodes.filter((node) => node !== master).map(({ admin }) => admin)
    const isReplaced = async () =>
      (await Promise.all(admins.map((admin) => admin.cluster('NODES')))).every(
        (nodes) => !new RegExp(`^${master.id} .*[0-9]+-[0-9]+$`, 'm').test(String(nodes)),
      )
    while (!(await isReplaced())) await sleep(50)
    await attach()
    master.server.resume()
    await cluster.untilUp()
  },
  'a failover that an administrator starts, and back': async (cluster) => {
    const master = await cluster.masterOf(SLOT)
    const replica = await cluster.replicaOf(master)
    for (const node of [replica, master]) {
      await sleep(500)
      await node.admin.call('CLUSTER', 'FAILOVER')
      while ((await cluster.masterOf(SLOT)) !== node) await sleep(50)
      while (!/role:slave[\s\S]*link_status:up/.test(await other(node).admin.info('replication')))
        await sleep(50)
    }
    function other(node: ClusterNode): ClusterNode {
      return node === master ? replica : master
    }
  },
  'slots that migrate to another master, and back': async (cluster) => {
    const from = await cluster.masterOf(SLOT)
    const to = await cluster.masterOf(SLOTS.at(-1) as number)
    for (const target of [to, from]) {
      for (const slot of SLOTS.slice(0, 40)) await cluster.migrate(slot, target)
    }
  },
  'a master that is flushed': async (cluster) => {
    const { admin } = await cluster.masterOf(SLOT)
    await admin.flushall()
  },
}

/** Faults of a run with `--short`, in which the others are much alike. */
const SHORT_FAULTS = /replica that lags|migrate/
const faults = Object.entries(FAULTS).filter(
  ([what]) => process.env.SHORT === undefined || SHORT_FAULTS.test(what),
)

for (const name of clusterClientNamesForFaults) {
  t.test(`P5: ${name}: accepts no entry twice in a Cluster with`, async (t) => {
    const cluster = await startCluster(t)
    for (const [what, cause] of faults) {
      t.test(what, async (t) => {
        await cluster.untilUp()
        const load = await startLoadOn(t, name, cluster)
        await sleep(500)
        const { failed } = load
        const startedAt = performance.now()
        await cause(cluster)
        t.ok(await until(() => load.failed > failed), 'rejects entries')
        await sleep(FRESH_FOR_MS)
        t.ok(await until(acceptsEntriesAgain(load)), 'accepts entries again')
        t.comment(`${Math.round(performance.now() - startedAt)} ms`)
        await load.stop()
        t.strictSame(load.acceptedTwice, [])
        t.ok(load.replayed > 100, `${load.replayed} replays`)
      })
    }

    t.test('but accepts entries while scripts are flushed, without an error', async (t) => {
      const load = await startLoadOn(t, name, cluster)
      await sleep(FRESH_FOR_MS + 1_000)
      const { failed } = load
      for (const { admin } of cluster.nodes) await admin.script('FLUSH')
      t.ok(await until(acceptsEntriesAgain(load)))
      t.equal(load.failed, failed)
      await load.stop()
    })

    t.test('and rejects only the entries of a master that may evict some', async (t) => {
      const load = await startLoadOn(t, name, cluster)
      await sleep(FRESH_FOR_MS + 1_000)
      const { admin } = await cluster.masterOf(SLOT)
      await admin.config('SET', 'maxmemory', '100mb')
      await admin.config('SET', 'maxmemory-policy', 'volatile-lru')
      await sleep(1_500)
      const { accepted, failed } = counts(load)
      t.ok(await until(() => load.accepted > accepted + 50 && load.failed > failed + 50))

      const [, used] = /^used_memory:(\d+)/m.exec(await admin.info('memory')) as unknown as string[]
      await admin.config('SET', 'maxmemory', `${Number(used) + 1_000_000}`)
      for (let i = 0; i < 600; i++)
        await admin.set(`{${tagOf()}}${i}`, 'x'.repeat(10_000), 'EX', 60)
      await admin.config('SET', 'maxmemory', '100mb')
      await admin.config('SET', 'maxmemory-policy', 'noeviction')
      t.match(await admin.info('stats'), /evicted_keys:[1-9]/)
      await sleep(FRESH_FOR_MS + 2_000)
      const later = counts(load)
      t.ok(await until(acceptsEntriesAgain(load)))
      await sleep(500)
      t.equal(load.failed, later.failed, `accepts all entries again, not: ${load.lastError}`)
      await load.stop()
      t.strictSame(load.acceptedTwice, [])
    })
  })

  const options = { skip: process.env.SHORT !== undefined && 'not with --short' }
  const title = `P5: ${name}: accepts entries of a durable Cluster right after a restart`
  t.test(title, options, async (t) => {
    const cluster = await startCluster(t, [...DURABLE, '--cluster-replica-no-failover', 'yes'])
    const load = await startLoadOn(t, name, cluster, 'dangerouslyAccept')
    await sleep(500)
    const { server } = await cluster.masterOf(SLOT)
    const { failed } = load
    await server.kill()
    t.ok(await until(() => load.failed > failed + 20), 'calls fail during the outage')
    await server.start()
    await cluster.untilUp()
    const recovered = load.failed
    t.ok(await until(acceptsEntriesAgain(load)))
    t.comment(`${load.failed - recovered} more calls failed`)
    await sleep(1_000)
    await load.stop()
    t.strictSame(load.acceptedTwice, [])
  })
}

t.test('the load detects an entry that is accepted twice after a failover', async (t) => {
  const cluster = await startCluster(t)
  const load = await startLoadOn(t, 'ioredis', cluster, 'dangerouslyAccept')
  await failOver(cluster)
  t.ok(await until(() => load.acceptedTwice.length > 0), 'a replica that lags was trusted')
  await load.stop()
})

function counts({ accepted, failed }: ProofLoad) {
  return { accepted, failed }
}

function tagOf(): string {
  return bucketTags()[0] as string
}
