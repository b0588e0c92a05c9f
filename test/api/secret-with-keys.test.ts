/** A migration from HS256 to keys, as that of a Supabase project with a legacy JWT secret. */
import { createHmac, createPublicKey } from 'node:crypto'
import t, { type Test } from 'tap'
import type { PluginOptions } from '../../src/index.js'
import { claims, ISSUER, makeKey, sign } from '../fixtures/issuer.js'
import { startKeyServer } from '../fixtures/key-server.js'
import { bearer, protectedApi } from '../fixtures/protected-api.js'

const SECRET = 'a-supabase-jwt-secret-of-at-least-32-bytes'
const key = await makeKey('ES256', 'current')
const rsa = await makeKey('RS256', 'rsa')

function hmac(
  secret: string | Uint8Array,
  header: Record<string, unknown> = {},
  overrides: Record<string, unknown> = {},
): string {
  const input = [{ alg: 'HS256', typ: 'JWT', ...header }, claims(overrides)]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

const migration: Partial<PluginOptions> = {
  secret: SECRET,
  algorithms: ['ES256', 'RS256', 'HS256'],
  dangerouslyAllowSecretWithKeys: true,
}

/** Returns the status of a response over HTTP to a request with the token. */
async function apiWith(t: Test, options: Partial<PluginOptions>, logged: unknown[] = []) {
  const stream = { write: (line: string) => void logged.push(JSON.parse(line)) }
  const app = await protectedApi(t, { jwks: {}, ...options }, { logger: { level: 'warn', stream } })
  app.get('/', () => 'ok')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    app,
    statusOf: async (token: string) => (await fetch(url, { headers: bearer(token) })).status,
  }
}

t.test('accepts tokens of both kinds, and warns', async (t) => {
  const server = await startKeyServer([key.publicJwk])
  t.teardown(() => server.close())
  const iss = server.issuer
  const logged: { msg: string }[] = []
  const { app, statusOf } = await apiWith(t, { ...migration, issuer: iss }, logged)
  t.match(logged, [{ msg: 'tokens signed with "secret" are accepted beside keys', issuer: iss }])
  for (const kid of [undefined, 'legacy', 'current']) {
    t.equal(await statusOf(hmac(SECRET, { kid }, { iss })), 200, `with the kid ${kid}`)
  }
  t.strictSame(server.requests, [], 'no fetch')
  t.equal(await statusOf(await sign(key, { iss })), 200)
  t.match(app.resourceServer.keySetStatus(), [{ state: 'fresh', keys: 1 }])
  const fetched = server.requests.length
  await app.resourceServer.refreshKeys()
  t.ok(server.requests.length > fetched, 'refreshes the keys')
  for (const token of [hmac(SECRET, {}, { iss }), await sign(key, { iss })]) {
    for (const _ of [1, 2, 3]) t.equal(await statusOf(token), 200, 'also from the cache')
  }
})

t.test('accepts tokens of the secret while the issuer publishes no keys', async (t) => {
  const server = await startKeyServer([])
  t.teardown(() => server.close())
  const iss = server.issuer
  const { statusOf } = await apiWith(t, { ...migration, issuer: iss })
  t.equal(await statusOf(hmac(SECRET, {}, { iss })), 200)
  t.equal(await statusOf(await sign(key, { iss })), 503)
  t.equal(await statusOf(hmac(SECRET, {}, { iss })), 200, 'also after the failed fetch')
})

t.test('J1: uses the secret and the keys each for its own algorithms only', async (t) => {
  const pem = createPublicKey(rsa.privateKey).export({ format: 'pem', type: 'spki' })
  const { statusOf } = await apiWith(t, {
    ...migration,
    jwks: { keys: [key.publicJwk, rsa.publicJwk, `${pem}`] },
  })
  t.equal(await statusOf(hmac(SECRET)), 200)
  t.equal(await statusOf(await sign(rsa)), 200)
  const publicBytes = Object.entries({
    PEM: pem,
    'PEM without the last line break': `${pem}`.trim(),
    DER: createPublicKey(rsa.privateKey).export({ format: 'der', type: 'spki' }),
    JWK: JSON.stringify(rsa.publicJwk),
    modulus: Buffer.from(rsa.publicJwk.n as string, 'base64url'),
    'a coordinate': Buffer.from(key.publicJwk.x as string, 'base64url'),
    'no bytes': '',
  })
  for (const [title, bytes] of publicBytes) {
    for (const kid of [undefined, 'current', 'rsa']) {
      t.equal(await statusOf(hmac(bytes, { kid })), 401, `HS256 with the key as ${title}`)
    }
  }
  for (const alg of ['ES256', 'RS256', 'HS384', 'HS512', 'none']) {
    t.equal(await statusOf(hmac(SECRET, { alg })), 401, `a MAC as signature of ${alg}`)
  }
})

t.test('reports why no source has a key', async (t) => {
  const { app } = await apiWith(t, {
    ...migration,
    algorithms: ['ES256', 'HS256'],
    jwks: { keys: [key.publicJwk] },
  })
  const reasonOf = (token: string) =>
    app.resourceServer.verify(token).then(
      () => 'accepted',
      ({ reason }) => reason.found,
    )
  t.equal(await reasonOf(await sign(await makeKey('ES256', 'other'))), 'no key with this "kid"')
})

t.test('lets a tenant migrate, and warns once', async (t) => {
  const logged: { msg: string }[] = []
  const { secret, dangerouslyAllowSecretWithKeys, algorithms } = migration
  const { statusOf } = await apiWith(
    t,
    {
      algorithms: algorithms as never,
      issuer: () => ({
        secret: secret as string,
        dangerouslyAllowSecretWithKeys: dangerouslyAllowSecretWithKeys as boolean,
        jwks: { keys: [key.publicJwk] },
      }),
      jwks: {},
    },
    logged,
  )
  t.equal(await statusOf(hmac(SECRET)), 200)
  t.equal(await statusOf(await sign(key)), 200)
  t.equal(await statusOf(await sign(key, { iss: `${ISSUER}2` })), 200)
  t.equal(await statusOf(hmac('x'.repeat(32))), 401)
  t.match(logged, [{ msg: 'tokens signed with "secret" are accepted beside keys' }])
  t.equal(logged.length, 1)
})

t.test('rejects a public key as secret', async (t) => {
  const pem = `${createPublicKey(rsa.privateKey).export({ format: 'pem', type: 'spki' })}`
  for (const options of [migration, { algorithms: ['HS256' as const] }]) {
    await t.rejects(protectedApi(t, { jwks: {}, ...options, secret: pem }), {
      name: 'TypeError',
      message:
        '"secret" option is a public key or a certificate, so every party that knows it could sign tokens: set "jwks.keys"',
    })
  }
})
