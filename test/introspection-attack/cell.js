/**
 * One cell of the table: an API, its issuer and the honest callers, beside so many forged tokens a
 * second. Each cell has an API and an issuer of its own, on loopback.
 */
import { createServer } from 'node:http'
import Fastify from 'fastify'
import { resourceServer } from '../../dist/index.js'

const AUDIENCE = 'https://api.example'
const KNOWN_TOKENS = 20
const KNOWN_PER_SECOND = 20
const NEW_PER_SECOND = 2
/** Short, so that known tokens are introspected again while the attack lasts. */
const MAX_AGE_MS = 1_000
const TIMEOUT_MS = 1_500

/** @returns how many honest requests were sent and how many were rejected. */
export async function playCell({ answer, forgedPerSecond, seconds }) {
  const issuer = await startIssuer(answer)
  const app = await startApi(issuer.origin)
  try {
    const known = Array.from({ length: KNOWN_TOKENS }, (_, i) => `honest-known-${i}`)
    const sent = { known: 0, new: 0 }
    const rejected = { known: 0, new: 0 }
    const statuses = new Set()
    const send = async (token) => {
      const { statusCode } = await request(app, token)
      if (!token.startsWith('honest')) return
      const kind = token.startsWith('honest-known') ? 'known' : 'new'
      sent[kind]++
      if (statusCode === 200) return
      rejected[kind]++
      statuses.add(statusCode)
    }
    await Promise.all(known.map((token) => request(app, token)))
    const pending = []
    const stop = [
      every(KNOWN_PER_SECOND, (i) => pending.push(send(known[i % KNOWN_TOKENS]))),
      every(NEW_PER_SECOND, (i) => pending.push(send(`honest-new-${i}`))),
      every(forgedPerSecond, (i) => pending.push(send(`forged-${i}`))),
    ]
    await new Promise((done) => setTimeout(done, seconds * 1_000))
    for (const one of stop) one()
    await Promise.all(pending)
    return { sent, rejected, statuses: [...statuses] }
  } finally {
    await app.close()
    await issuer.close()
  }
}

async function request(app, token) {
  return app.inject({ url: '/', headers: { authorization: `Bearer ${token}` } })
}

function every(perSecond, call) {
  if (perSecond === 0) return () => {}
  let i = 0
  const startedAt = performance.now()
  // Catches up, so that a busy machine sends no less.
  const timer = setInterval(() => {
    while (i < ((performance.now() - startedAt) * perSecond) / 1_000) call(i++)
  }, 10)
  return () => clearInterval(timer)
}

async function startApi(issuer) {
  const app = Fastify()
  await app.register(resourceServer, {
    issuer,
    audience: AUDIENCE,
    introspection: {
      clientId: 'api',
      clientSecret: 'secret',
      endpoint: `${issuer}/introspect`,
      maxAge: MAX_AGE_MS,
      timeout: TIMEOUT_MS,
    },
  })
  app.get('/', async () => 'ok')
  await app.ready()
  return app
}

async function startIssuer(answer) {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const token = new URLSearchParams(body).get('token') ?? ''
    // A random token of a probe gets what a forged one gets.
    if (!token.startsWith('honest')) return answer(response)
    const exp = Math.floor(Date.now() / 1_000) + 600
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ active: true, aud: AUDIENCE, exp }))
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections()
      return new Promise((done) => server.close(done))
    },
  }
}
