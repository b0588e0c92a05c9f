/**
 * Tests revocations on instances in separate processes that share a Redis Cluster, while the master
 * of the revocations is replaced by a replica that lags, and while their slot migrates.
 */
import t, { type Test } from 'tap'
import { seconds } from '../../test/fixtures/issuer.js'
import { tokenOf } from '../../test/fixtures/protected-api.js'
import { clusterClientNamesForFaults } from './fixtures/cluster-clients.js'
import {
  type Instance,
  isRevokedAtNextRead,
  rejectsAll,
  startInstance,
  untilRevoked,
} from './fixtures/instances.js'
import {
  type ClusterNode,
  REVOCATIONS_SLOT,
  type RedisCluster,
  startCluster,
} from './fixtures/redis-cluster.js'
import { until } from './fixtures/until.js'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Command timeout in milliseconds; generous, because the machine may be busy. */
const LONG_TIMEOUT_MS = 5_000

function start(t: Test, name: string, { ports }: RedisCluster): Promise<Instance> {
  return startInstance(t, name, { url: `cluster:${ports.join(',')}` }, LONG_TIMEOUT_MS)
}

const subjects = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
const revoke = (instance: Instance, subs: readonly string[]) =>
  instance.send({ revoke: subs.map((sub) => ({ sub })) })
/** Before the revocations. */
const iat = seconds() - 60

/** Returns tokens of an evenly spread sample, because verifying all takes long. */
const tokensOf = (subs: readonly string[]) => {
  const step = Math.ceil(subs.length / 50)
  return Promise.all(
    subs
      .filter((_, i) => i % step === 0)
      .map((sub) => tokenOf({ sub, jti: sub, iat, exp: iat + 3_600 })),
  )
}

async function keyCount(cluster: RedisCluster): Promise<number> {
  const { admin } = await cluster.masterOf(REVOCATIONS_SLOT)
  // Without the stream.
  return Number(await admin.call('CLUSTER', 'COUNTKEYSINSLOT', `${REVOCATIONS_SLOT}`)) - 1
}

async function isReplaced(cluster: RedisCluster, old: ClusterNode): Promise<boolean> {
  return (await cluster.masterOf(REVOCATIONS_SLOT)) !== old
}

for (const name of clusterClientNamesForFaults) {
  t.test(`B7: ${name}: every instance rejects a revoked token after its next read`, async (t) => {
    const cluster = await startCluster(t)
    const [one, other] = [await start(t, name, cluster), await start(t, name, cluster)]
    const [a, b, c] = await tokensOf(['a', 'b', 'c'])
    t.strictSame(await other.send({ verify: [a as string, b as string] }), ['valid', 'valid'])
    t.strictSame(await revoke(one, ['a']), ['done'])
    t.ok(await isRevokedAtNextRead(t, other, a as string))
    const late = await start(t, name, cluster)
    t.ok(await rejectsAll(late, [a as string]), 'also one that starts later')

    // Whichever node the instances are subscribed at is lost once.
    for (const [i, node] of cluster.nodes
      .slice(0, process.env.SHORT === undefined ? 3 : 1)
      .entries()) {
      await node.server.kill()
      await node.server.start()
      await cluster.untilUp()
      const sub = `after-${i}`
      t.ok(await until(async () => (await revoke(one, [sub]))[0] === 'done'))
      const [token] = await tokensOf([sub])
      for (const instance of [other, late]) {
        t.ok(await isRevokedAtNextRead(t, instance, token as string), sub)
      }
    }
    t.strictSame(await other.send({ verify: [c as string] }), ['valid'])
  })
}

for (const name of clusterClientNamesForFaults) {
  t.test(`${name}: loses no revocation`, async (t) => {
    const cluster = await startCluster(t)
    const [one, other] = [await start(t, name, cluster), await start(t, name, cluster)]
    const all: string[] = []
    const checkAll = async (t: Test) => {
      const tokens = await tokensOf(all)
      await untilRevoked(t, other, ...tokens)
      t.ok(await until(async () => (await keyCount(cluster)) === all.length), 'in the Cluster')
      t.ok(await rejectsAll(await start(t, name, cluster), tokens), 'on one that starts later')
    }

    t.test('that a replica lacks when it becomes the master', async (t) => {
      all.push(...subjects('kept', 500))
      await revoke(one, all)
      const master = await cluster.masterOf(REVOCATIONS_SLOT)
      const replica = await cluster.replicaOf(master)
      await sleep(500)
      await replica.admin.config('SET', 'masterauth', 'wrong')
      await master.admin.call('CLIENT', 'KILL', 'TYPE', 'replica')
      const lost = subjects('lost', 100)
      all.push(...lost)
      t.strictSame(new Set(await revoke(one, lost)), new Set(['done']), 'the master has them')
      await master.server.kill()
      t.ok(await until(() => isReplaced(cluster, master)))
      await replica.admin.config('SET', 'masterauth', '')
      await checkAll(t)
      await master.server.start()
    })

    t.test('while their slot migrates', async (t) => {
      await cluster.untilUp()
      const from = await cluster.masterOf(REVOCATIONS_SLOT)
      const to = await cluster.masterOf(REVOCATIONS_SLOT < 8_192 ? 16_383 : 0)
      let late: Promise<Instance> | undefined
      for (const target of [to, from]) {
        const during = subjects(`migrating-${target.id}`, 20)
        all.push(...during)
        await cluster.migrate(REVOCATIONS_SLOT, target, async () => {
          const results = await revoke(one, during)
          t.notOk(results.includes('done'), 'revoke() rejects meanwhile')
          t.ok(await rejectsAll(one, await tokensOf(during)), 'but takes effect on the instance')
          late ??= start(t, name, cluster)
          const [valid] = await tokensOf(['not-revoked'])
          const instance = await late
          t.strictSame(
            await instance.send({ verify: [valid as string] }),
            ['unavailable'],
            'an incomplete list counts as unavailable',
          )
        })
        late = undefined
        await checkAll(t)
      }
    })

    t.test('while their master hangs, and is replaced', async (t) => {
      await cluster.untilUp()
      const master = await cluster.masterOf(REVOCATIONS_SLOT)
      await until(async () => (await cluster.replicaOf(master)) !== undefined)
      master.server.hang()
      const during = subjects('hanging', 50)
      all.push(...during)
      await revoke(one, during)
      t.ok(await rejectsAll(one, await tokensOf(during)))
      await sleep(3_000)
      master.server.resume()
      t.ok(await until(() => isReplaced(cluster, master)))
      await checkAll(t)
    })

    t.test('that an administrator flushes', async (t) => {
      await cluster.untilUp()
      await (await cluster.masterOf(REVOCATIONS_SLOT)).admin.flushall()
      await checkAll(t)
    })
  })
}
