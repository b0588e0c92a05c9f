/**
 * Tests that every instance refreshes its keys, through one Redis, Sentinel and a
 * Cluster, also after Redis was away.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createResourceServer, type RedisStoreOptions, redisStore } from '../../src/index.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { untilRejected } from '../../test/fixtures/removed-key.js'
import { CLIENTS, clientNames } from './fixtures/clients.js'
import { CLUSTER_CLIENTS } from './fixtures/cluster-clients.js'
import { startCluster } from './fixtures/redis-cluster.js'
import { startRedis, startSentinel } from './fixtures/redis-server.js'
import { SENTINEL_CLIENTS } from './fixtures/sentinel-clients.js'

type Connect = () => Promise<RedisStoreOptions['client']>

/** Starts an issuer, and two instances that share a Redis and have cached a token. */
async function start(t: Test, connect: Connect) {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const instance = async () => {
    const server = await createResourceServer({
      issuer: issuer.issuer,
      audience: 'api://default',
      stores: { revocations: redisStore({ client: await connect(), timeout: 5_000 }) },
    })
    t.teardown(() => server.close())
    return server
  }
  const [one, other] = [await instance(), await instance()]
  return {
    one,
    other,
    /** Removes the key with which the token is signed. */
    async compromise() {
      const token = await issuer.issueToken()
      for (const server of [one, other, other]) await server.verify(token)
      await issuer.rotateKeys({ keepOld: false })
      return token
    },
  }
}

async function testRefresh(t: Test, connect: Connect) {
  const { one, other, compromise } = await start(t, connect)
  for (let round = 0; round < 3; round++) {
    const token = await compromise()
    await one.refreshKeys({ everywhere: true })
    await untilRejected(t, other, token)
    // An instance refreshes at most once a second.
    await sleep(1_100)
  }
}

for (const name of clientNames) {
  t.test(`K1: ${name}: every instance refreshes its keys`, async (t) => {
    const redis = await startRedis(t)
    await testRefresh(t, async () => CLIENTS[name]?.(t, redis.url) as never)
  })
}

for (const [name, connect] of Object.entries(SENTINEL_CLIENTS)) {
  t.test(`K1: Sentinel, ${name}: every instance refreshes its keys`, async (t) => {
    const sentinel = await startSentinel(t, await startRedis(t))
    await testRefresh(t, () => connect(t, [sentinel.port]))
  })
}

t.test('K1: Cluster: every instance refreshes its keys', async (t) => {
  const { ports } = await startCluster(t)
  for (const [name, connect] of Object.entries(CLUSTER_CLIENTS)) {
    t.test(name, (t) => testRefresh(t, () => connect(t, ports)))
  }
})

t.test('K3: the other instances are informed when Redis is back', async (t) => {
  const redis = await startRedis(t)
  const connect = CLIENTS.ioredis as NonNullable<(typeof CLIENTS)[string]>
  const { one, other, compromise } = await start(t, () => connect(t, redis.url))
  const token = await compromise()
  await redis.kill()
  await t.rejects(one.refreshKeys({ everywhere: true }), { name: 'StoreUnavailableError' })
  await t.resolves(other.verify(token))
  await redis.start()
  await untilRejected(t, other, token)
})
