/**
 * The replay cache in Redis: `add()` of the store for a new and for a used proof, and a bare
 * `SET NX PX` of the same client. The CPU time includes that of redis-server.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

const IN_FLIGHT = 50
/** Short, because the store accepts proofs only once those from before its start have expired. */
const TTL_MS = 1_000

const CLIENTS = {
  async ioredis(port) {
    const { Redis } = await import('ioredis')
    const client = new Redis(port)
    return { client, set: (key) => client.set(key, '', 'PX', TTL_MS, 'NX') }
  },
  async iovalkey(port) {
    const { default: Redis } = await import('iovalkey')
    const client = new Redis(port)
    return { client, set: (key) => client.set(key, '', 'PX', TTL_MS, 'NX') }
  },
  async 'node-redis'(port) {
    const { createClient } = await import('redis')
    const client = await createClient({ socket: { port } }).connect()
    return { client, set: (key) => client.sendCommand(['SET', key, '', 'PX', `${TTL_MS}`, 'NX']) }
  },
}

export const needs = () => 'redis-server'

export const servers = Object.fromEntries(
  Object.entries(CLIENTS).flatMap(([name, connect]) => [
    [
      `store, ${name}`,
      async ({ load, fixture }) => {
        const { redisStore } = await load('index.js')
        const { client } = await connect(fixture.port)
        const store = redisStore({ client, timeout: 10_000 })
        store.declareMaxTtl(TTL_MS)
        await sleep(3 * TTL_MS)
        return operations((key) => store.add(key, '', TTL_MS), fixture)
      },
    ],
    [
      `bare, ${name}`,
      async ({ fixture }) => {
        const { set } = await connect(fixture.port)
        return operations(async (key) => (await set(key)) === 'OK', fixture)
      },
    ],
  ]),
)

/** @param add resolves to whether the key was new. */
async function operations(add, { port }) {
  const { Redis } = await import('ioredis')
  const { cpuTimeOf } = await import('../redis-servers.js')
  const admin = new Redis(port)
  const expecting = (isNew) => (keys) =>
    concurrently(keys, async (key) => {
      if ((await add(key)) !== isNew) throw new Error(`${key} was ${isNew ? 'not new' : 'new'}`)
    })
  return {
    operations: {
      add: { prepare: newKeys, run: expecting(true) },
      refuse: {
        async prepare(count) {
          const keys = newKeys(count)
          await concurrently(keys, add)
          return keys
        },
        run: expecting(false),
      },
      cpuOfOthers: () => cpuTimeOf({ admin }),
    },
  }
}

export async function prepare() {
  const { startServer } = await import('../redis-servers.js')
  const redis = await startServer()
  return { fixture: { port: redis.port }, stop: () => redis.stop() }
}

function newKeys(count) {
  return Array.from({ length: count }, () => `dpop:${randomBytes(32).toString('base64url')}`)
}

async function concurrently(items, work) {
  let next = 0
  const worker = async () => {
    while (next < items.length) await work(items[next++])
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}
