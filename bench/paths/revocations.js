/**
 * A known token while many revocations are in force: in this process alone, and shared through
 * Redis. Also measures the memory of a revocation.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { knownTokens } from './requests.js'

const DAY_MS = 86_400_000
/**
 * As long as the tokens of the benchmark are valid. Without it, each process that shares its
 * revocations writes all of them again with a longer TTL when it has seen the first such token.
 */
const MAX_TOKEN_AGE_SECONDS = 31 * 86_400

export const servers = {
  'alone 0': alone(0),
  'alone 100,000': alone(100_000),
  'alone 1,000,000': alone(1_000_000),
  'shared 0': shared(0),
  'shared 100,000': shared(100_000),
  'shared 1,000,000': shared(1_000_000),
}

export const needs = ({ server }) => (server.startsWith('shared') ? 'redis-server' : undefined)

function alone(count) {
  return async ({ app, load, issuer, audience }) => {
    const { default: resourceServer } = await load('index.js')
    const revocations = { maxEntries: Math.max(count, 1_000) }
    await app.register(resourceServer, {
      issuer,
      audience,
      maxTokenAge: MAX_TOKEN_AGE_SECONDS,
      revocations,
    })
    await app.after()
    const before = heap()
    for (let i = 0; i < count; i++) await app.resourceServer.revoke({ sub: `revoked-${i}` })
    return { figures: bytesEach(before, count) }
  }
}

function shared(count) {
  return async ({ app, load, issuer, audience, fixture }) => {
    const { default: resourceServer, redisStore } = await load('index.js')
    const { Redis } = await import('ioredis')
    const client = new Redis(fixture.port, { db: DATABASES.indexOf(count) })
    await client.ping()
    const before = heap()
    await app.register(resourceServer, {
      issuer,
      audience,
      maxTokenAge: MAX_TOKEN_AGE_SECONDS,
      stores: { revocations: redisStore({ client, timeout: 5_000 }) },
      revocations: { maxEntries: Math.max(count, 1_000) },
    })
    await app.after()
    while (app.resourceServer.storeStatus()[0].rejects !== 'none') await sleep(10)
    return { figures: bytesEach(before, count) }
  }
}

const DATABASES = [0, 100_000, 1_000_000]

/** Fills one database of Redis for each number of revocations that a path needs. */
export async function prepare({ paths, load }) {
  const used = DATABASES.filter((count) =>
    paths.some(({ server }) => server === `shared ${count.toLocaleString('en')}`),
  )
  if (used.length === 0) return { fixture: {} }
  const { startServer } = await import('../redis-servers.js')
  const { Redis } = await import('ioredis')
  const { redisStore } = await load('index.js')
  const redis = await startServer()
  for (const count of used) {
    const client = new Redis(redis.port, { db: DATABASES.indexOf(count) })
    await fill(redisStore({ client, timeout: 30_000 }), count)
    client.disconnect()
  }
  return { fixture: { port: redis.port }, stop: () => redis.stop() }
}

async function fill(store, count) {
  const now = Math.floor(Date.now() / 1_000)
  const slice = 500
  for (let i = 0; i < count; i += slice) {
    const revocations = Array.from({ length: slice }, (_, k) => ({
      name: createHash('sha256')
        .update(`${i + k}`)
        .digest('base64url'),
      before: now,
      lastIssued: now,
      ttl: DAY_MS,
    }))
    await store.mergeRevocations(revocations)
  }
}

function bytesEach(before, count) {
  return count === 0 ? undefined : { 'bytes for each revocation': (heap() - before) / count }
}

/** Returns the memory in use, buffers outside of the heap included. */
function heap() {
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

export const requests = { known: knownTokens('known') }
