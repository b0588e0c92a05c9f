/**
 * Measures how many proofs per second processes can add to the store in Redis: to one server, and
 * to a Cluster of three masters. Prints the CPU time per proof in Redis and in the processes, and
 * the spread over the masters.
 *
 *     npm run build && node bench/cluster.js [rounds]
 *
 * Needs redis-server.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { redisStore } from '../dist/index.js'
import { cpuTimeOf, startMasters, startServer } from './redis-servers.js'

const IN_FLIGHT = 200
const ROUND_MS = 3_000
const MAX_TTL_MS = 1_000
const [, , role, ...rest] = process.argv

if (role === 'adder') await runAdder(rest)
else await run(Number(role ?? 5))

async function run(rounds) {
  console.log(`load before: ${loadavg()[0].toFixed(2)}`)
  const one = await startServer()
  await measure('one server', [one], 2, rounds)
  await one.stop()
  const masters = await startMasters(3)
  for (const adders of [1, 2]) await measure('three masters', masters, adders, rounds)
  for (const master of masters) await master.stop()
}

async function measure(name, servers, adderCount, rounds) {
  const kind = servers.length > 1 ? 'cluster' : 'server'
  const ports = servers.map(({ port }) => `${port}`)
  const adders = Array.from({ length: adderCount }, () =>
    fork(new URL(import.meta.url), ['adder', kind, ...ports]),
  )
  await Promise.all(adders.map((adder) => once(adder, 'message')))
  const results = []
  for (let i = 0; i <= rounds; i++) {
    const before = await Promise.all(servers.map(cpuTimeOf))
    const callsBefore = await Promise.all(servers.map(callsOf))
    const figures = await Promise.all(
      adders.map((adder) => {
        adder.send('round')
        return once(adder, 'message').then(([result]) => result)
      }),
    )
    const redisMicros = (await Promise.all(servers.map(cpuTimeOf))).map((cpu, k) => cpu - before[k])
    const calls = (await Promise.all(servers.map(callsOf))).map(
      (count, k) => count - callsBefore[k],
    )
    // The first round compiles code.
    if (i > 0) results.push({ ...summary(figures, redisMicros), spread: spreadOf(calls) })
  }
  for (const adder of adders) adder.disconnect()
  console.log(
    `${name}, ${adderCount} process(es): ${quartiles(results, 'perSecond')} proofs/s; ` +
      `CPU per proof: Redis ${quartiles(results, 'redis')} µs, process ${quartiles(results, 'process')} µs; ` +
      `busiest master ${quartiles(results, 'spread')} % above the mean`,
  )
}

function summary(figures, redisMicros) {
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0)
  const added = sum(figures.map(({ count }) => count))
  return {
    perSecond: sum(figures.map(({ count, ms }) => (count / ms) * 1_000)),
    redis: sum(redisMicros) / added,
    process: sum(figures.map(({ micros }) => micros)) / added,
  }
}

function spreadOf(calls) {
  const mean = calls.reduce((total, count) => total + count, 0) / calls.length
  return (Math.max(...calls) / mean - 1) * 100
}

async function callsOf({ admin }) {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)
}

function quartiles(results, name) {
  const sorted = results.map((result) => result[name]).sort((a, b) => a - b)
  const at = (share) => {
    const value = sorted[Math.round((sorted.length - 1) * share)]
    return value >= 100 ? Math.round(value).toString() : value.toFixed(1)
  }
  return `${at(0.5)} (${at(0.25)}-${at(0.75)})`
}

async function runAdder([kind, ...ports]) {
  const nodes = ports.map((port) => ({ host: '127.0.0.1', port: Number(port) }))
  const client = kind === 'cluster' ? new Cluster(nodes) : new Redis(nodes[0].port)
  const store = redisStore({ client, timeout: 10_000 })
  store.declareMaxTtl(MAX_TTL_MS)
  await sleep(3 * MAX_TTL_MS)
  process.on('message', async () => process.send(await addFor(store, ROUND_MS)))
  process.on('disconnect', () => client.disconnect())
  process.send('ready')
}

async function addFor(store, milliseconds) {
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  let count = 0
  const work = async () => {
    while (performance.now() - startedAt < milliseconds) {
      const isNew = await store.add(`dpop:${randomBytes(32).toString('base64url')}`, '', MAX_TTL_MS)
      if (!isNew) throw new Error('A new proof was rejected')
      count++
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, work))
  const { user, system } = process.cpuUsage(cpu)
  return { count, ms: performance.now() - startedAt, micros: user + system }
}
