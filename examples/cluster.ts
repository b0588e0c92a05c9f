/**
 * Runs two instances of an API that share a Redis: a token that one instance revokes is rejected by
 * the other, and a DPoP proof is accepted by only one of them. `npm run example cluster`.
 *
 * The example uses the Redis at REDIS_URL, or starts a redis-server.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import resourceServer, { redisStore } from 'fastify-resource-server'
import {
  createAuthorizationServer,
  dpopProof,
  generateDPoPKey,
} from 'fastify-resource-server/testing'
import { Redis } from 'ioredis'

const { ISSUER, REDIS_URL } = process.env
/** The public URL of the API, the same for every instance. */
const BASE_URL = 'https://api.example.com'

if (ISSUER !== undefined && REDIS_URL !== undefined) await runApi(ISSUER, REDIS_URL)
else await runCluster()

/** Runs one instance of the API. */
async function runApi(issuer: string, url: string) {
  const client = new Redis(url)
  const app = Fastify()
  await app.register(resourceServer, {
    issuer,
    audience: 'api://default',
    dpop: { baseUrl: BASE_URL },
    stores: {
      revocations: redisStore({ client }),
      // This example assumes that Redis has not lost any used proofs in a restart. For production,
      // see docs/scaling.md.
      replay: redisStore({ client, afterRestart: 'dangerouslyAccept' }),
    },
  })
  app.get('/me', async (request) => ({ user: request.claims.sub }))
  app.post('/logout', async (request) => {
    await app.resourceServer.revoke({ sub: request.claims.sub as string })
    return { loggedOut: request.claims.sub }
  })
  app.addHook('onClose', async () => client.disconnect())
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  process.once('disconnect', () => app.close())
  process.send?.(address)
}

async function runCluster() {
  const redis = REDIS_URL === undefined ? await startRedis() : { url: REDIS_URL, stop() {} }
  if (redis === undefined) {
    console.error('redis-server is not installed: install it, or set REDIS_URL')
    process.exitCode = 2
    return
  }
  const authorizationServer = await createAuthorizationServer()
  const token = await authorizationServer.issueToken({ sub: 'ada' })
  const env = { ...process.env, ISSUER: authorizationServer.issuer, REDIS_URL: redis.url }
  const start = () => fork(fileURLToPath(import.meta.url), { env })
  const processes = [start(), start()]
  const [first, second] = (await Promise.all(processes.map(addressOf))) as [string, string]

  const key = await generateDPoPKey()
  const bound = await authorizationServer.issueToken({ sub: 'grace' }, { confirmation: { key } })
  const proof = await dpopProof({ key, url: `${BASE_URL}/me`, accessToken: bound })
  const proven = { authorization: `DPoP ${bound}`, dpop: proof }
  await show('first, a proof   ', `${first}/me`, proven)
  await show('second, the same ', `${second}/me`, proven)

  await show('first, /me       ', `${first}/me`, token)
  await show('second, /me      ', `${second}/me`, token)
  await show('first, /logout   ', `${first}/logout`, token, 'POST')
  await show('first, /me       ', `${first}/me`, token)
  // The revocation reaches the second instance within a second, usually in a few milliseconds.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await show('second, /me      ', `${second}/me`, token)

  const third = start()
  await show('restarted, /me   ', `${await addressOf(third)}/me`, token)

  for (const child of [...processes, third]) {
    child.disconnect()
    await once(child, 'exit')
  }
  await authorizationServer.close()
  redis.stop()
}

async function addressOf(child: ChildProcess): Promise<string> {
  const [address] = await once(child, 'message')
  return address
}

async function show(
  what: string,
  url: string,
  token: string | Record<string, string>,
  method = 'GET',
) {
  const credentials = typeof token === 'string' ? { authorization: `Bearer ${token}` } : token
  const headers = { ...credentials, connection: 'close' }
  const response = await fetch(url, { method, headers })
  console.log(what, response.status, await response.text())
}

/** Starts a redis-server; returns `undefined` if none is installed. */
async function startRedis() {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as { port: number }
  free.close()
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '']
  const server = spawn('redis-server', options, { stdio: 'ignore' })
  try {
    await once(server, 'spawn')
  } catch {
    return undefined
  }
  return { url: `redis://127.0.0.1:${port}`, stop: () => server.kill() }
}
