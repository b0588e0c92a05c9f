/**
 * Measures many revocations in force: bytes each in Redis and in the process, the start of an
 * instance, the cost of a request, and a storm of 1,000 revocations a second on four instances.
 *
 *     npm run build && node bench/revocations-scale.js [count ...]
 *
 * Needs redis-server. Default counts: 0, 100,000 and 1,000,000.
 */
import { fork } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createResourceServer, redisStore } from '../dist/index.js'
import { cpuTimeOf, startServer } from './redis-servers.js'

const ISSUER = 'https://issuer.example'
const AUDIENCE = 'https://api.example'
const SECRET = 'a secret of the benchmark, which protects nothing'
const INSTANCES = 4
const PER_SECOND = 1_000
const STORM_SECONDS = 10
/** One of this many revocations is timed. */
const SAMPLE = 20
const [, , role, ...rest] = process.argv

if (role === 'instance') await runInstance(...rest)
else await run(process.argv.slice(2).map(Number))

async function run(counts) {
  console.log(`load before: ${loadavg()[0].toFixed(2)}`)
  for (const count of counts.length > 0 ? counts : [0, 100_000, 1_000_000]) {
    const redis = await startServer()
    const bytesInRedis = await fill(redis, count)
    const first = await startInstance(redis.port, count)
    const [figures] = await first.call('figures')
    if (count > 0) {
      print(count, 'in Redis', `${Math.round(bytesInRedis)} bytes each`)
      print(count, 'in the process', `${Math.round(figures.bytes / count)} bytes each`)
    }
    print(count, 'start of an instance', `${Math.round(figures.startMs)} ms until loaded`)
    print(count, 'verify() of a known token', `${figures.requestMicros} µs`)
    const others = []
    while (others.length < INSTANCES - 1) others.push(await startInstance(redis.port, count))
    await storm(count, redis, [first, ...others])
    for (const { process } of [first, ...others]) process.disconnect()
    await redis.stop()
  }
}

async function fill(redis, count) {
  const client = new Redis(redis.port)
  const store = redisStore({ client, timeout: 30_000 })
  const memory = async () => Number(/used_memory:(\d+)/.exec(await redis.admin.info('memory'))[1])
  const before = await memory()
  const now = Math.floor(Date.now() / 1_000)
  for (let i = 0; i < count; i += 500) {
    const revocations = Array.from({ length: 500 }, (_, k) => ({
      name: createHash('sha256')
        .update(`${i + k}`)
        .digest('base64url'),
      before: now,
      lastIssued: now,
      ttl: 86_400_000,
    }))
    await store.mergeRevocations(revocations)
  }
  client.disconnect()
  return ((await memory()) - before) / Math.max(count, 1)
}

/** One instance revokes; all four report when they reject the sampled tokens. */
async function storm(count, redis, instances) {
  const iat = Math.floor(Date.now() / 1_000) - 60
  const total = PER_SECOND * STORM_SECONDS
  const samples = Array.from({ length: total / SAMPLE }, (_, i) => `storm-${i * SAMPLE}`)
  await Promise.all(instances.map(({ call }) => call('watch', samples, iat)))
  const [redisCpu, cpus] = [
    await cpuTimeOf(redis),
    await Promise.all(instances.map(({ call }) => call('cpu'))),
  ]
  const startedAt = performance.now()
  const [revokedAt] = await instances[0].call('storm', total)
  const rejectedAt = await Promise.all(instances.map(({ call }) => call('rejected')))
  const seconds = (performance.now() - startedAt) / 1_000
  const later = await Promise.all(instances.map(({ call }) => call('cpu')))
  const delays = samples
    .map((sub) => Math.max(...rejectedAt.map(([times]) => times[sub])) - revokedAt[sub])
    .sort((a, b) => a - b)
  const at = (share) => Math.round(delays[Math.floor((delays.length - 1) * share)])
  const shares = later.map(([cpu], i) => ((cpu - cpus[i][0]) / seconds / 1e4).toFixed(0))
  const redisShare = (((await cpuTimeOf(redis)) - redisCpu) / seconds / 1e4).toFixed(0)
  print(
    count,
    `storm of ${PER_SECOND} a second`,
    `until all ${INSTANCES} reject: median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms; ` +
      `CPU of the instance that revokes ${shares[0]} %, of the others ${shares.slice(1).join(', ')} %, of Redis ${redisShare} %`,
  )
}

async function startInstance(port, count) {
  const child = fork(new URL(import.meta.url), ['instance', `${port}`, `${count}`], {
    execArgv: ['--expose-gc'],
  })
  await once(child, 'message')
  const call = async (name, ...args) => {
    child.send([name, ...args])
    return (await once(child, 'message'))[0]
  }
  return { process: child, call }
}

async function runInstance(port, count) {
  const client = new Redis(Number(port))
  const before = heap()
  const startedAt = performance.now()
  const server = await createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    secret: SECRET,
    algorithms: ['HS256'],
    stores: { revocations: redisStore({ client, timeout: 5_000 }) },
    revocations: { maxEntries: Number(count) + 100_000 },
  })
  while (server.storeStatus()[0].rejects !== 'none') await sleep(10)
  const startMs = performance.now() - startedAt
  const bytes = heap() - before
  const requestMicros = await costOfRequest(server)
  let watching
  const calls = {
    figures: async () => ({ startMs, bytes, requestMicros }),
    cpu: async () => {
      const { user, system } = process.cpuUsage()
      return user + system
    },
    watch: async (subs, iat) => {
      watching = { done: watch(server, subs, iat) }
    },
    rejected: () => watching.done,
    storm: (total) => revokeMany(server, total),
  }
  process.on('message', async ([name, ...args]) => process.send([await calls[name](...args)]))
  process.on('disconnect', () => process.exit())
  process.send('ready')
}

async function costOfRequest(server) {
  const token = sign({ sub: 'known', jti: 'known' }, Math.floor(Date.now() / 1_000))
  const turns = []
  for (let turn = 0; turn < 15; turn++) {
    const startedAt = performance.now()
    for (let i = 0; i < 20_000; i++) await server.verify(token)
    turns.push((performance.now() - startedAt) / 20)
  }
  turns.sort((a, b) => a - b)
  const at = (index) => turns[index].toFixed(2)
  return `${at(7)} (${at(3)}-${at(11)})`
}

async function revokeMany(server, total) {
  const times = {}
  const startedAt = performance.now()
  for (let i = 0; i < total; i++) {
    const wait = startedAt + (i * 1_000) / PER_SECOND - performance.now()
    if (wait > 1) await sleep(wait)
    if (i % SAMPLE === 0) times[`storm-${i}`] = Date.now()
    server.revoke({ sub: `storm-${i}` }).catch(() => {})
  }
  return times
}

/** Resolves to the time at which each subject is rejected. */
async function watch(server, subs, iat) {
  const times = {}
  let remaining = subs.map((sub) => ({ sub, token: sign({ sub, jti: sub }, iat) }))
  const end = Date.now() + 60_000
  while (remaining.length > 0 && Date.now() < end) {
    // Revocations arrive about in order, so the first ones suffice.
    const rejected = []
    for (const item of remaining.slice(0, 30)) {
      if (await isRejected(server, item.token)) rejected.push(item)
    }
    for (const { sub } of rejected) times[sub] = Date.now()
    remaining = remaining.filter((item) => !rejected.includes(item))
    await sleep(5)
  }
  return times
}

async function isRejected(server, token) {
  try {
    await server.verify(token)
    return false
  } catch {
    return true
  }
}

function sign(claims, iat) {
  const encode = (object) => Buffer.from(JSON.stringify(object)).toString('base64url')
  const payload = { iss: ISSUER, aud: AUDIENCE, iat, exp: iat + 3_600, ...claims }
  const input = `${encode({ alg: 'HS256' })}.${encode(payload)}`
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
}

function heap() {
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function print(count, what, figures) {
  console.log(`${count} in force, ${what}: ${figures}`)
}
