/**
 * Measures one cell of the table: an API, its issuer, legitimate clients, and an attacker that sends
 * forged tokens. Each cell starts its own API and issuer on loopback.
 */
import { createServer } from 'node:http'
import Fastify from 'fastify'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { resourceServer } from '../../dist/index.js'

const AUDIENCE = 'https://api.example'
const KNOWN_TOKENS = 20
const KNOWN_PER_SECOND = 20
const NEW_PER_SECOND = 2
/** Short, so that the API introspects known tokens again during the attack. */
const MAX_AGE_MS = 1_000
const TIMEOUT_MS = 3_000

const { privateKey, publicKey } = await generateKeyPair('ES256')
const JWKS = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'one' }] }

/**
 * @param responseTo returns a function that sends the response about a token, or `undefined` to use
 *   the issuer's response; its argument is whether the token is valid.
 * @param jwts whether legitimate tokens are JWTs, which the API introspects after the signature (`always`).
 * @returns the numbers of sent and of rejected legitimate requests, and the statuses of the rejections.
 */
export async function measureCell({ responseTo, jwts, forgedPerSecond, seconds }) {
  const legitimate = new Map()
  const issuer = await startIssuer(responseTo, legitimate)
  const app = await startApi(issuer.origin, jwts)
  try {
    const createToken = async (kind, i) => {
      const token = jwts ? await jwtOf(issuer.origin, `${kind}-${i}`) : `legitimate-${kind}-${i}`
      legitimate.set(token, kind)
      return token
    }
    const createTokens = (kind, count) =>
      Promise.all(Array.from({ length: count }, (_, i) => createToken(kind, i)))
    const known = await createTokens('known', KNOWN_TOKENS)
    const fresh = await createTokens('new', NEW_PER_SECOND * (seconds + 5))
    const sent = { known: 0, new: 0 }
    const rejected = { known: 0, new: 0 }
    const statuses = new Set()
    const send = async (token) => {
      const { statusCode } = await request(app, token)
      const kind = legitimate.get(token)
      if (kind === undefined) return
      sent[kind]++
      if (statusCode === 200) return
      rejected[kind]++
      statuses.add(statusCode)
    }
    await Promise.all(known.map((token) => request(app, token)))
    const pending = []
    const stopFunctions = [
      repeat(KNOWN_PER_SECOND, (i) => pending.push(send(known[i % KNOWN_TOKENS]))),
      repeat(NEW_PER_SECOND, (i) => pending.push(send(fresh[i % fresh.length]))),
      repeat(forgedPerSecond, (i) => pending.push(send(`forged-${i}`))),
    ]
    await new Promise((done) => setTimeout(done, seconds * 1_000))
    for (const stop of stopFunctions) stop()
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

function repeat(perSecond, call) {
  if (perSecond === 0) return () => {}
  let i = 0
  const startedAt = performance.now()
  // Sends overdue requests as well, so that a busy machine does not lower the rate.
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

async function startIssuer(responseTo, legitimate) {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const token = new URLSearchParams(body).get('token') ?? ''
    // Includes the random tokens of the API's health probes.
    const override = responseTo(legitimate.has(token))
    if (override !== undefined) return override(response)
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
