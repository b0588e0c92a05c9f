/**
 * Measures many active revocations while one more is added each second. Prints the CPU share and
 * the longest stall of the event loop for an instance that revokes and for one that receives the
 * revocations. An idle process is the control, because on a busy machine its event loop stalls as
 * well.
 *
 *     npm run build && node bench/revocations.js [active revocations] [seconds]
 *
 * Needs redis-server.
 */
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createResourceServer, redisStore } from '../dist/index.js'

const [, , role, ...rest] = process.argv
const ROLES = { writer: runInstance, listener: runInstance, idle: runIdle }
const keys = [{ kty: 'oct', k: 'c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0', kid: 'none', alg: 'HS256' }]

if (role in ROLES) await ROLES[role](...rest)
else await run(Number(role ?? 100_000), Number(rest[0] ?? 30))

async function run(count, seconds) {
  const redis = await startRedis()
  const fill = await instanceOver(redis.url, count)
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  await Promise.all(
    Array.from({ length: count }, (_, i) => fill.server.revoke({ sub: `user-${i}` })),
  )
  const filled = cpuTimeSince(cpu) / 1_000
  print(
    `${count} revoked in one loop`,
    `${round(performance.now() - startedAt)} ms, ${round(filled)} ms of CPU`,
  )
  await fill.close()

  const children = Object.keys(ROLES).map((name) => {
    const child = fork(new URL(import.meta.url), [name, redis.url, `${count}`, `${seconds}`, name])
    return once(child, 'message').then(([figures]) => ({ name, ...figures }))
  })
  for (const { name, start, cpuShare, stalls, startStall } of await Promise.all(children)) {
    print(
      name,
      `start ${round(start)} ms, longest stall during it ${round(startStall)} ms; then ` +
        `${cpuShare.toFixed(2)} % of a core, longest stalls ${stalls.map(round).join(', ')} ms`,
    )
  }
  redis.stop()
}

async function runInstance(url, count, seconds, name) {
  const stalls = recordStalls()
  const startedAt = performance.now()
  const { server, close } = await instanceOver(url, Number(count))
  const start = performance.now() - startedAt
  const startStall = stalls.longest()[0]
  // Waits until the other processes have started.
  await sleep(5_000)
  stalls.reset()
  const cpu = process.cpuUsage()
  const recordedFrom = performance.now()
  for (let i = 0; performance.now() - recordedFrom < Number(seconds) * 1_000; i++) {
    if (name === 'writer') await server.revoke({ sub: `late-${i}` })
    await sleep(1_000)
  }
  const cpuShare = (cpuTimeSince(cpu) / 1_000 / (performance.now() - recordedFrom)) * 100
  process.send({ start, startStall, cpuShare, stalls: stalls.longest() })
  stalls.stop()
  await close()
  process.disconnect()
}

async function runIdle(_url, _count, seconds) {
  const stalls = recordStalls()
  await sleep(5_000)
  stalls.reset()
  const cpu = process.cpuUsage()
  const recordedFrom = performance.now()
  await sleep(Number(seconds) * 1_000)
  const cpuShare = (cpuTimeSince(cpu) / 1_000 / (performance.now() - recordedFrom)) * 100
  process.send({ start: 0, startStall: 0, cpuShare, stalls: stalls.longest() })
  stalls.stop()
  process.disconnect()
}

async function instanceOver(url, count) {
  const client = new Redis(url)
  const server = await createResourceServer({
    issuer: 'https://issuer.example',
    audience: 'https://api.example',
    secret: keys[0].k.repeat(2),
    algorithms: ['HS256'],
    stores: { revocations: redisStore({ client }) },
    revocations: { maxEntries: 2 * count },
  })
  return {
    server,
    async close() {
      await server.close()
      client.disconnect()
    },
  }
}

/**
 * Records event loop stalls, in milliseconds. Sampling every 10 ms costs some tenths of a percent
 * of CPU.
 */
function recordStalls() {
  const histogram = monitorEventLoopDelay({ resolution: 10 })
  histogram.enable()
  const above = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - 10)
  return {
    reset: () => histogram.reset(),
    longest: () => [100, 99.9, 99].map((share) => above(histogram.percentile(share))),
    stop: () => histogram.disable(),
  }
}

function cpuTimeSince(before) {
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function startRedis() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '']
  const server = spawn('redis-server', options, { stdio: 'ignore' })
  await once(server, 'spawn')
  return { url: `redis://127.0.0.1:${port}`, stop: () => server.kill() }
}

function round(number) {
  return Math.round(number * 10) / 10
}

function print(name, figures) {
  console.log(`${name}: ${figures}`)
}
