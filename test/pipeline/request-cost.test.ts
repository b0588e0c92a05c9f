/**
 * Limits what each path of `bench/paths.js` costs, in operations that can be counted, in addition to
 * an open route. Raise a limit only with a reason, and lower it when a path becomes cheaper. The
 * paths that need Redis are not counted.
 */
import {
  createHash,
  generateKeyPairSync,
  hash,
  randomBytes,
  verify,
  type webcrypto,
} from 'node:crypto'
import type { FastifyInstance, FastifyRequest, InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import type { PluginOptions, RouteRequirement } from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { encrypt, encryptionKey } from '../fixtures/encryption.js'
import {
  AUDIENCE,
  base64url,
  claims,
  makeKey,
  seconds,
  sign,
  type TestKey,
} from '../fixtures/issuer.js'
import { startKeyServer } from '../fixtures/key-server.js'
import { bearer, protectedApi } from '../fixtures/protected-api.js'
import { type Cost, extraCost, NO_COST, startCounting } from '../fixtures/request-cost.js'

const TIMES = 20

interface Path {
  /** The most that a request costs; operations without a limit here must not occur. */
  readonly limit: Partial<Cost>
  /** Returns different requests at each call. The first ones are not counted. */
  readonly requests: () => Promise<readonly InjectOptions[]>
  readonly options?: Partial<PluginOptions>
  readonly auth?: RouteRequirement
  readonly handler?: (request: FastifyRequest) => void
  readonly status?: number
  readonly prepare?: (app: FastifyInstance) => Promise<void>
}

const [rs256, es256, ps256, eddsa] = (await Promise.all(
  ['RS256', 'ES256', 'PS256', 'EdDSA'].map((alg) => makeKey(alg)),
)) as [TestKey, TestKey, TestKey, TestKey]
const keys = [rs256, es256, ps256, eddsa].map(({ publicJwk }) => publicJwk)
const decryptionKey = await encryptionKey('ECDH-ES', 'api', 'P-256')
const certificate = derSequence(randomBytes(600))
const client = await DPoPClient.make()
const issuer = await startKeyServer(keys)
t.teardown(() => issuer.close())
const knownToken = await tokenOf(rs256)

/**
 * Promises with which a request without a cached bearer token waits for the end of the turn. The
 * requests of one turn share two of them.
 */
const WAIT = 3
const KNOWN: Path = { limit: { clockReads: 2 }, requests: known(knownToken) }
const NEW: Path['limit'] = { verifications: 1, clockReads: 6, promises: 8 + WAIT }
const REJECTED: Path['limit'] = { clockReads: 2, promises: WAIT }

const PATHS: Readonly<Record<string, Path>> = {
  'a known bearer token': KNOWN,
  'a known bearer token of a key that verifies in the thread pool': {
    ...KNOWN,
    requests: known(await tokenOf(es256)),
  },
  'a known token bound to a certificate': {
    limit: { ...KNOWN.limit, hashes: 1 },
    options: {
      mtls: { certificateSource: { header: 'client-cert', trustedProxies: ['127.0.0.1'] } },
    },
    requests: known(
      await tokenOf(rs256, { cnf: { 'x5t#S256': await thumbprintOf(certificate) } }),
      {
        'client-cert': `:${certificate.toString('base64')}:`,
      },
    ),
  },
  'a known encrypted token': {
    ...KNOWN,
    options: { decryption: { keys: [decryptionKey.privateJwk] } },
    requests: known(
      await encrypt(knownToken, decryptionKey.publicKey, { alg: 'ECDH-ES', kid: 'api' }),
    ),
  },
  'an opaque token with a cached response': {
    limit: { hashes: 1, clockReads: 6, promises: WAIT },
    options: {
      introspection: {
        clientId: 'api',
        clientSecret: 'secret',
        endpoint: 'https://issuer.example/introspect',
        fetch: async () =>
          Response.json({ active: true, aud: AUDIENCE, exp: seconds() + 300, sub: 'user-1' }),
      },
    },
    requests: known('an-opaque-token'),
  },
  'a scope': { ...KNOWN, auth: { scope: 'profile' } },
  'a scope from a function': { ...KNOWN, auth: { scope: () => 'profile' } },
  'request.requireScope()': { ...KNOWN, handler: (request) => request.requireScope('profile') },
  'an implied scope': {
    ...KNOWN,
    options: { scopeImplies: { profile: ['profile:read'] } },
    auth: { scope: 'profile:read' },
  },
  'a known token with 1,000 revocations in force': {
    ...KNOWN,
    async prepare(app) {
      for (let i = 0; i < 1_000; i++) await app.resourceServer.revoke({ sub: `revoked-${i}` })
    },
  },
  'a new RS256 token': { limit: NEW, requests: newTokens(rs256) },
  'a new PS256 token': { limit: NEW, requests: newTokens(ps256) },
  'a new ES256 token': { limit: NEW, requests: newTokens(es256) },
  'a new EdDSA token': { limit: NEW, requests: newTokens(eddsa) },
  'a known DPoP-bound token with a new proof': {
    limit: { verifications: 1, hashes: 2, clockReads: 12, promises: 13 + WAIT },
    options: { dpop: { baseUrl: 'https://api.example' } },
    requests: proofs(await tokenOf(rs256, { cnf: { jkt: client.jkt } })),
  },
  'a request without a token': {
    limit: { promises: WAIT },
    status: 401,
    requests: async () => repeat({ url: '/' }),
  },
  'a malformed token': rejected('malformed'),
  'a token of an untrusted issuer': rejected(
    await tokenOf(rs256, { iss: 'https://other.example' }),
  ),
  'a token with an algorithm that is not accepted': rejected(
    unsigned({ alg: 'HS256', kid: 'rs256' }),
  ),
  'a token with an unknown kid': {
    ...rejected(unsigned({ alg: 'RS256', kid: 'unknown' })),
    limit: { clockReads: 7, promises: WAIT },
  },
}

t.test('the counters count', async (t) => {
  const key = await crypto.subtle.importKey(
    'jwk',
    es256.publicJwk as webcrypto.JsonWebKey,
    { name: 'ECDSA', namedCurve: 'P-256' },
    false,
    ['verify'],
  )
  const { publicKey } = generateKeyPairSync('ed25519')
  const data = new Uint8Array(64)
  t.same(startCounting()(), NO_COST)
  const stop = startCounting()
  clearTimeout(setTimeout(() => {}, 0))
  Promise.resolve()
  verify(null, data, publicKey, data)
  const done = crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, data, data)
  createHash('sha256')
  hash('sha256', 'text')
  Date.now()
  performance.now()
  const { promises, ...others } = stop()
  t.same(others, { verifications: 2, hashes: 2, clockReads: 2, timers: 1 })
  t.ok(promises >= 2, `${promises} promises`)
  await done
})

for (const [name, path] of Object.entries(PATHS)) {
  t.test(`${name} costs no more than its limit`, async (t) => {
    const app = await api(t, path)
    const { requests, limit, status = 200 } = path
    for (const request of await requests()) await app.inject(request)
    const cost = await extraCost(app, await requests(), status)
    const most = { ...NO_COST, ...limit }
    for (const operation of Object.keys(most) as (keyof Cost)[]) {
      const [count, max] = [cost[operation], most[operation]]
      t.ok(count <= max, `${operation}: ${count}, at most ${max}`)
    }
    t.equal(cost.verifications, most.verifications)
  })
}

async function api(t: Test, { options, auth, handler, prepare }: Path): Promise<FastifyInstance> {
  const app = await protectedApi(t, { issuer: issuer.issuer, jwks: {}, ...options })
  app.get('/open', { config: { auth: false } }, (_request, reply) => void reply.send('in'))
  app.get('/', { config: { auth: auth ?? true } }, (request, reply) => {
    handler?.(request)
    reply.send('in')
  })
  await app.ready()
  await prepare?.(app)
  return app
}

function repeat(request: InjectOptions): readonly InjectOptions[] {
  return Array.from({ length: TIMES }, () => request)
}

function known(token: string, headers: Record<string, string> = {}): Path['requests'] {
  return async () => repeat({ url: '/', headers: { ...bearer(token), ...headers } })
}

function rejected(token: string): Path {
  return { limit: REJECTED, status: 401, requests: known(token) }
}

function tokenOf(key: TestKey, claims: Record<string, unknown> = {}): Promise<string> {
  return sign(key, { iss: issuer.issuer, ...claims })
}

/** Returns a token with a random signature. */
function unsigned(header: Record<string, unknown>): string {
  const signature = randomBytes(256).toString('base64url')
  return `${base64url(header)}.${base64url(claims({ iss: issuer.issuer }))}.${signature}`
}

let tokens = 0

function newTokens(key: TestKey): Path['requests'] {
  return async () => {
    const all = await Promise.all(repeat({}).map(() => tokenOf(key, { jti: `token-${tokens++}` })))
    return all.map((token) => ({ url: '/', headers: bearer(token) }))
  }
}

function proofs(token: string): Path['requests'] {
  return async () => {
    // The API rejects proofs from before it started, in the same second too.
    const later = { iat: seconds() + 1 }
    const all = await Promise.all(repeat({}).map(() => client.proof({ token }, { claims: later })))
    return all.map((dpop) => ({ url: '/', headers: { authorization: `DPoP ${token}`, dpop } }))
  }
}

async function thumbprintOf(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('base64url')
}

/** Returns what the API requires of the bytes of a certificate: one sequence in DER. */
function derSequence(content: Buffer): Buffer {
  const { length } = content
  return Buffer.concat([Buffer.from([0x30, 0x82, length >> 8, length & 255]), content])
}
