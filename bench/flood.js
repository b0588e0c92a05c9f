/**
 * Measures the latency of requests with a cached token while other clients send forged tokens as
 * fast as they can. With a second folder, the built plugin of another checkout takes turns.
 *
 *     npm run build && node bench/flood.js [clients that send forged tokens] [folder of a checkout]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from './connection.js'
import { HOSTILE, hostileTokens } from './hostile.js'
import { AUDIENCE, accessTokenClaims, generateKey, signToken } from './jwt.js'

const ISSUER = 'https://issuer.example'
const HONEST_CLIENTS = 10
const INTERVAL_MS = 2
const ROUNDS = 6
const REQUESTS = 500

const [, , role = '50', ...rest] = process.argv
if (role === 'server') await serve(...rest)
else await measure(Number(role), ['..', ...rest])

async function serve(folder, jwk) {
  const { default: Fastify } = await import('fastify')
  const { default: resourceServer } = await import(
    `${new URL(folder, import.meta.url)}/dist/index.js`
  )
  const app = Fastify()
  await app.register(resourceServer, {
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [JSON.parse(jwk)] },
  })
  app.get('/', async () => ({ ok: true }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  process.send(app.server.address().port)
}

async function measure(clients, folders) {
  const key = generateKey('RS256')
  const times = { issuer: ISSUER, issuedAt: Math.floor(Date.now() / 1_000), lifetime: 3_600 }
  const honest = request(signToken(key, accessTokenClaims({ number: 0, ...times })))
  const count = 2_000
  const forged = hostileTokens(HOSTILE['foreign-issuer'], { key, count, ...times }).map(request)
  const servers = await Promise.all(folders.map((folder) => start(folder, key.jwk, clients)))
  for (let round = 0; round < ROUNDS; round++) {
    for (const server of servers) {
      for (const flooded of [false, true]) {
        const latencies = await runRound(server, honest, flooded ? forged : [])
        if (round > 0) server.latencies[flooded ? 'flood' : 'alone'].push(...latencies)
      }
    }
  }
  for (const { folder, latencies, child } of servers) {
    for (const [name, all] of Object.entries(latencies)) print(folder, name, all)
    child.kill()
  }
  process.exit()
}

async function start(folder, jwk, clients) {
  const child = fork(new URL(import.meta.url), ['server', folder, JSON.stringify(jwk)])
  const [port] = await once(child, 'message')
  const open = (count) => Promise.all(Array.from({ length: count }, () => Connection.open(port)))
  const latencies = { alone: [], flood: [] }
  return {
    folder,
    child,
    latencies,
    honest: await open(HONEST_CLIENTS),
    others: await open(clients),
  }
}

async function runRound({ honest: connections, others }, honest, forged) {
  const fail = (error) => {
    throw error
  }
  const latencies = []
  const idle = [...connections]
  let isFlooding = forged.length > 0
  let sent = 0
  const flood = (connection) => {
    if (isFlooding) connection.send(forged[sent++ % forged.length])
  }
  for (const connection of others) {
    connection.start(flood, fail)
    flood(connection)
  }
  for (const connection of connections) {
    connection.start((_, status, latencyMs) => {
      if (status !== 200) fail(new Error(`A valid token got ${status}`))
      latencies.push(latencyMs)
      idle.push(connection)
    }, fail)
  }
  for (let i = 0; i < REQUESTS; i++) {
    idle.shift()?.send(honest)
    await sleep(INTERVAL_MS)
  }
  isFlooding = false
  await sleep(500)
  return latencies
}

function request(token) {
  return `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`
}

function print(folder, name, latencies) {
  latencies.sort((a, b) => a - b)
  const [p50, p95] = [0.5, 0.95].map((share) =>
    latencies[Math.floor(latencies.length * share)].toFixed(1),
  )
  console.log(`${folder}, ${name}: p50 ${p50} ms, p95 ${p95} ms (${latencies.length} requests)`)
}
