/**
 * One cell of the table: an API, its issuer and the honest callers, beside so many forged tokens a
 * second. Each cell has an API and an issuer of its own, on loopback.
 */
import { createServer } from 'node:http'
import Fastify from 'fastify'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { resourceServer } from '../../dist/index.js'

const AUDIENCE = 'https://api.example'
const KNOWN_TOKENS = 20
const KNOWN_PER_SECOND = 20
const NEW_PER_SECOND = 2
/** Short, so that known tokens are introspected again while the attack lasts. */
const MAX_AGE_MS = 1_000
const TIMEOUT_MS = 3_000

const { privateKey, publicKey } = await generateKeyPair('ES256')
const JWKS = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'one' }] }

/**
 * @param answerTo returns what answers about a token in place of the issuer, from whether it is valid.
 * @param jwts whether the honest tokens are JWTs, each introspected after its signature (`always`).
 * @returns how many honest requests were sent and how many were rejected.
 */
export async function playCell({ answerTo, jwts, forgedPerSecond, seconds }) {
  const honest = new Map()
  const issuer = await startIssuer(answerTo, honest)
  const app = await startApi(issuer.origin, jwts)
  try {
    const make = async (kind, i) => {
      const token = jwts ? await jwtOf(issuer.origin, `${kind}-${i}`) : `honest-${kind}-${i}`
      honest.set(token, kind)
      return token
    }
    const many = (kind, count) =>
      Promise.all(Array.from({ length: count }, (_, i) => make(kind, i)))
    const known = await many('known', KNOWN_TOKENS)
    const fresh = await many('new', NEW_PER_SECOND * (seconds + 5))
    const sent = { known: 0, new: 0 }
    const rejected = { known: 0, new: 0 }
    const statuses = new Set()
    const send = async (token) => {
      const { statusCode } = await request(app, token)
      const kind = honest.get(token)
      if (kind === undefined) return
      sent[kind]++
      if (statusCode === 200) return
      rejected[kind]++
      statuses.add(statusCode)
    }
    await Promise.all(known.map((token) => request(app, token)))
    const pending = []
    const stop = [
      every(KNOWN_PER_SECOND, (i) => pending.push(send(known[i % KNOWN_TOKENS]))),
      every(NEW_PER_SECOND, (i) => pending.push(send(fresh[i % fresh.length]))),
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

function jwtOf(issuer, jti) {
  const claims = { scope: 'read', client_id: 'web', jti }
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setSubject('ada')
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(privateKey)
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

async function startApi(issuer, jwts) {
  const app = Fastify()
  await app.register(resourceServer, {
    issuer,
    audience: AUDIENCE,
    jwks: { keys: JWKS.keys },
    introspection: {
      mode: jwts ? 'always' : 'opaque',
      clientId: 'api',
      clientSecret: 'secret',
      endpoint: `${issuer}/introspect`,
      cacheMaxAge: MAX_AGE_MS,
      timeout: TIMEOUT_MS,
    },
  })
  app.get('/', async () => 'ok')
  await app.ready()
  return app
}

async function startIssuer(answerTo, honest) {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const token = new URLSearchParams(body).get('token') ?? ''
    // A random token of a probe gets what a forged one gets.
    const instead = answerTo(honest.has(token))
    if (instead !== undefined) return instead(response)
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
