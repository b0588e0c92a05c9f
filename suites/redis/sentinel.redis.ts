/**
 * Tests stores through Sentinel, which replaces a master by a replica that lags: no entry is
 * accepted twice, and no revocation is lost.
 */
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { redisStore } from '../../src/index.js'
import { seconds } from '../../test/fixtures/issuer.js'
import { tokenOf } from '../../test/fixtures/protected-api.js'
import { clientNamesForFaults } from './fixtures/clients.js'
import { rejectsAll, startInstance, untilRevoked } from './fixtures/instances.js'
import { type ProofLoad, startLoad } from './fixtures/proof-load.js'
import { type RedisServer, startRedis, startSentinel } from './fixtures/redis-server.js'
import { SENTINEL_CLIENTS } from './fixtures/sentinel-clients.js'
import { startSlowSentinel } from './fixtures/slow-sentinel.js'
import { until } from './fixtures/until.js'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** How long a proof is fresh, in milliseconds. */
const FRESH_FOR_MS = 3_000
const iat = seconds() - 60

/** Returns a function that reports whether Redis accepted more than 50 entries since this call. */
function acceptsEntriesAgain(load: ProofLoad): () => boolean {
  const before = load.accepted
  return () => load.accepted > before + 50
}

function admin(t: Test, { url }: RedisServer): Redis {
  const client = new Redis(url)
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  return client
}

async function startReplicated(t: Test) {
  const [master, replica] = [await startRedis(t), await startRedis(t)]
  const [masterAdmin, replicaAdmin] = [admin(t, master), admin(t, replica)]
  await replicaAdmin.replicaof('127.0.0.1', `${master.port}`)
  await until(async () => /master_link_status:up/.test(await replicaAdmin.info('replication')))
  const sentinel = await startSentinel(t, master)
  const sentinelAdmin = admin(t, sentinel)
  const replicas = () => sentinelAdmin.call('SENTINEL', 'REPLICAS', 'main') as Promise<unknown[]>
  await until(async () => (await replicas()).length === 1)
  return {
    port: sentinel.port,
    replicaAdmin,
    /** Cuts the replica off from its master, so that it lacks all later entries. */
    async detach() {
      await replicaAdmin.config('SET', 'masterauth', 'wrong')
      await masterAdmin.call('CLIENT', 'KILL', 'TYPE', 'replica')
    },
    async failOver() {
      await master.kill()
      await until(async () => /role:master/.test(await replicaAdmin.info('replication')))
    },
  }
}

for (const name of clientNamesForFaults) {
  t.test(`P5: ${name}: accepts no entry twice after a failover`, async (t) => {
    const redis = await startReplicated(t)
    const make = async () => {
      const client = await SENTINEL_CLIENTS[name]?.(t, [redis.port])
      const store = redisStore({ client: client as never, timeout: 2_000 })
      store.declareMaxTtl?.(FRESH_FOR_MS)
      return store
    }
    const load = startLoad([await make(), await make()], FRESH_FOR_MS)
    t.teardown(() => load.stop())
    t.ok(await until(acceptsEntriesAgain(load)))
    await redis.detach()
    await sleep(1_000)
    const { failed } = load
    await redis.failOver()
    t.ok(await until(() => load.failed > failed), 'calls fail meanwhile')
    t.ok(await until(acceptsEntriesAgain(load)), 'recovers without a restart of the API')
    await sleep(1_000)
    await load.stop()
    t.strictSame(load.acceptedTwice, [])
    t.ok(load.replayed > 100, `${load.replayed} replays`)
  })

  t.test(`${name}: recovers if the failover is reported while it reconnects`, async (t) => {
    const redis = await startReplicated(t)
    const port = await startSlowSentinel(t, redis.port, 900)
    const clients = await Promise.all([1, 2, 3, 4].map(() => SENTINEL_CLIENTS[name]?.(t, [port])))
    const stores = clients.map((client) => redisStore({ client: client as never, timeout: 2_000 }))
    const received = stores.map(() => 0)
    const isDelivered = async () => {
      for (const store of stores) await store.publish('channel', '').catch(() => {})
      return !received.includes(0)
    }
    for (const [i, store] of stores.entries()) {
      const onMessage = () => {
        received[i] = 1
      }
      t.teardown(await store.subscribe('channel', onMessage, () => {}))
    }
    t.ok(await until(isDelivered))
    await redis.failOver()
    await sleep(2_000)
    received.fill(0)
    t.ok(await until(isDelivered), 'each subscription')
    for (const store of stores) {
      const isConnected = () =>
        store.get('key').then(
          () => true,
          () => false,
        )
      t.ok(await until(isConnected), 'each client')
    }
  })

  t.test(`${name}: loses no revocation that the new master lacks`, async (t) => {
    const redis = await startReplicated(t)
    const url = `sentinel:${redis.port}`
    const start = () => startInstance(t, name, { url }, 5_000)
    const [one, other] = [await start(), await start()]
    const subs = Array.from({ length: 100 }, (_, i) => `user-${i}`)
    const tokens = await Promise.all(
      subs.map((sub) => tokenOf({ sub, jti: sub, iat, exp: iat + 3_600 })),
    )
    await redis.detach()
    const results = await one.send({ revoke: subs.map((sub) => ({ sub })) })
    t.strictSame(new Set(results), new Set(['done']), 'the master has them')
    await redis.failOver()
    t.ok(
      await until(async () => (await redis.replicaAdmin.keys('frs:revocation:*')).length === 100),
      'an instance writes them again',
    )
    t.ok(await rejectsAll(one, tokens))
    // An instance that lacked them.
    await untilRevoked(t, other, ...tokens)
    t.ok(await rejectsAll(await start(), tokens), 'a new instance')
  })
}
