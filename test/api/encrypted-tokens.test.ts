/** Encrypted access tokens (RFC 9068 §4, RFC 7516). Rows E1 to E4. */
import { createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { DecryptionThread } from '../../src/decryption/decryption-thread.js'
import type { DecryptionOptions, ResourceServerOptions } from '../../src/index.js'
import resourceServer, { createResourceServer, ResourceServerError } from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import {
  type EncryptionKey,
  encrypt,
  encryptCompressed,
  encryptionKey,
} from '../fixtures/encryption.js'
import { CLIENT, startIntrospectionServer } from '../fixtures/introspection-server.js'
import { AUDIENCE, base64url, ISSUER, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { json } from '../fixtures/key-server.js'

const [key, evil] = await Promise.all([makeKey('ES256'), makeKey('ES256', 'evil')])
const rsa = await encryptionKey('RSA-OAEP-256', 'rsa-1')
const ec = await encryptionKey('ECDH-ES', 'ec-1')
const ISSUER_OPTIONS = { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [key.publicJwk] } }

async function server(decryption: DecryptionOptions | undefined, options = {}) {
  return createResourceServer({
    ...ISSUER_OPTIONS,
    ...(decryption && { decryption }),
    ...options,
  } as ResourceServerOptions)
}

async function rejectionOf(verifying: Promise<unknown>): Promise<ResourceServerError> {
  const error = await verifying.then(
    () => new Error('it was accepted'),
    (error) => error,
  )
  if (error instanceof ResourceServerError) return error
  throw error
}

t.test('E1: accepts a signed token that is encrypted for a key of this API', async (t) => {
  const x25519 = await encryptionKey('ECDH-ES', 'x', 'X25519')
  const p521 = await encryptionKey('ECDH-ES', 'p', 'P-521')
  const secret = randomBytes(32)
  const oct = { kty: 'oct', k: secret.toString('base64url') }
  const cases: [string, DecryptionOptions['keys'][number], KeyObject | Uint8Array, object][] = [
    ['RSA-OAEP-256', rsa.privateJwk, rsa.publicKey, { kid: 'rsa-1' }],
    ['RSA-OAEP', { ...rsa.privateJwk, alg: 'RSA-OAEP' }, rsa.publicKey, { kid: 'rsa-1' }],
    ['ECDH-ES', ec.privateJwk, ec.publicKey, { kid: 'ec-1' }],
    ['ECDH-ES+A256KW', ec.privateJwk, ec.publicKey, { enc: 'A256CBC-HS512' }],
    ['ECDH-ES+A128KW', x25519.privateJwk, x25519.publicKey, { enc: 'A128CBC-HS256' }],
    ['ECDH-ES', p521.privateKey, p521.publicKey, { kid: 'any' }],
    [
      'ECDH-ES',
      `${x25519.privateKey.export({ type: 'pkcs8', format: 'pem' })}`,
      x25519.publicKey,
      {},
    ],
    ['RSA-OAEP-256', await crypto(rsa), rsa.publicKey, { cty: 'application/at+JWT' }],
    ['dir', { ...oct, alg: 'dir' }, secret, {}],
    ['A256KW', { ...oct, alg: 'A256KW' }, secret, { enc: 'A128CBC-HS256' }],
  ]
  for (const [alg, given, encryptionKey, header] of cases) {
    const api = await server({ keys: [given] })
    const jwt = await sign(key)
    const raw = await encrypt(jwt, encryptionKey, { alg, ...header })
    const token = await api.verify(raw)
    t.equal(token.subject, 'user-1', alg)
    t.equal(token.raw, raw, 'the token as the caller sent it')
    t.notMatch(inspect(token, { depth: 9 }) + JSON.stringify(token), jwt.split('.')[2] as string)
    t.equal(await api.verify(raw), token, 'cached')
    t.match(api.statistics(), { decryptions: 1, cacheHits: 1 })
  }
})

function crypto({ privateKey }: EncryptionKey) {
  const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' }
  const der = privateKey.export({ type: 'pkcs8', format: 'der' })
  return globalThis.crypto.subtle.importKey('pkcs8', der, algorithm, false, ['decrypt'])
}

t.test('E1: a secret is used with the algorithms of the option', async (t) => {
  const secret = randomBytes(32)
  const api = await server({
    keys: [createSecretKey(secret)],
    keyManagementAlgorithms: ['A256GCMKW'],
  })
  const jwt = await sign(key)
  t.ok(await api.verify(await encrypt(jwt, secret, { alg: 'A256GCMKW' })))
  const error = await rejectionOf(api.verify(await encrypt(jwt, secret, { alg: 'dir' })))
  t.match(error, { statusCode: 401, check: 'decryption' })
})

t.test('E1: rejects an unencrypted token where encryption is required', async (t) => {
  const jwt = await sign(key)
  const api = await server({ keys: [ec.privateJwk], required: true })
  t.match(await rejectionOf(api.verify(jwt)), {
    statusCode: 401,
    code: 'invalid_token',
    check: 'decryption',
    message: 'The access token is not encrypted',
  })
  t.ok(await api.verify(await encrypt(jwt, ec.publicKey, { alg: 'ECDH-ES' })))
  const lax = await server({ keys: [ec.privateJwk] })
  t.ok(await lax.verify(jwt))
  const off = await server(undefined)
  const raw = await encrypt(jwt, ec.publicKey, { alg: 'ECDH-ES' })
  t.match(await rejectionOf(off.verify(raw)), {
    statusCode: 401,
    reason: { found: /set "decryption"/ },
  })
})

t.test('E2: the content must be a valid JWT with a signature', async (t) => {
  const api = await server({ keys: [ec.privateJwk] })
  const jwt = await sign(key)
  const parameters = { alg: 'ECDH-ES', kid: 'ec-1' }
  const contents: Record<string, [string, string]> = {
    'an unsigned JWT': [`${base64url({ alg: 'none' })}.${jwt.split('.')[1]}.`, 'token'],
    'claims without a signature': [JSON.stringify({ iss: ISSUER }), 'token'],
    'a token of another key': [await sign(evil), 'key'],
    'a token of another issuer': [await sign(key, { iss: 'https://b.example' }), 'issuer'],
    'a token for another API': [await sign(key, { aud: 'api://other' }), 'audience'],
    'an expired token': [await sign(key, { exp: seconds() - 100 }), 'expiry'],
    'an ID token': [await sign(key, { at_hash: 'x' }), 'type'],
    'a JWE in a JWE': [await encrypt(jwt, ec.publicKey, parameters), 'token'],
    'a changed signature': [`${jwt.slice(0, -6)}AAAAAA`, 'signature'],
    'characters that are not ASCII': [`${jwt}\u00e9`, 'token'],
    'an empty text': ['', 'token'],
  }
  for (const [what, [content, check]] of Object.entries(contents)) {
    const raw = await encrypt(content, ec.publicKey, parameters)
    const error = await rejectionOf(api.verify(raw))
    t.match(error, { statusCode: 401, code: 'invalid_token', check }, what)
  }
})

t.test('E2, E3: rejects a header before a key is used', async (t) => {
  const api = await server({ keys: [rsa.privateJwk, ec.privateJwk] })
  const jwt = await sign(key)
  const good = await encrypt(jwt, ec.publicKey, { alg: 'ECDH-ES' })
  const [header = '', ...rest] = good.split('.')
  const decoded = JSON.parse(Buffer.from(header, 'base64url').toString())
  const withHeader = (changes: object) => [base64url({ ...decoded, ...changes }), ...rest].join('.')
  const cases: Record<string, [string, string]> = {
    'no cty': [withHeader({ cty: undefined }), 'token'],
    'a cty other than JWT': [withHeader({ cty: 'json' }), 'token'],
    'a cty that is an array': [withHeader({ cty: ['JWT'] }), 'token'],
    compression: [encryptCompressed(jwt, ec.publicKey, { kid: 'ec-1' }), 'token'],
    'a compression bomb': [
      encryptCompressed('a'.repeat(4_000_000), ec.publicKey, { kid: 'ec-1' }),
      'token',
    ],
    'a critical extension': [withHeader({ crit: ['exp'] }), 'token'],
    'no enc': [withHeader({ enc: undefined }), 'token'],
    'an alg that is a number': [withHeader({ alg: 1 }), 'token'],
    'a kid that is an array': [withHeader({ kid: ['ec-1'] }), 'token'],
    RSA1_5: [withHeader({ alg: 'RSA1_5', kid: 'rsa-1' }), 'decryption'],
    PBES2: [withHeader({ alg: 'PBES2-HS256+A128KW', p2c: 2 ** 30, p2s: 'AA' }), 'decryption'],
    'direct encryption': [withHeader({ alg: 'dir', kid: 'rsa-1' }), 'decryption'],
    'an alg of another type of key': [withHeader({ alg: 'ECDH-ES', kid: 'rsa-1' }), 'decryption'],
    'an unknown kid': [withHeader({ kid: 'unknown' }), 'decryption'],
    'an unknown enc': [withHeader({ enc: 'A512GCM' }), 'decryption'],
    'a duplicate member': [
      [base64url('{"alg":"ECDH-ES","alg":"dir","enc":"A256GCM","cty":"JWT"}'), ...rest].join('.'),
      'token',
    ],
    'a header that is costly to parse': [
      withHeader(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`m${i}`, i]))),
      'token',
    ],
    'a header that is no JSON': [['e30x', ...rest].join('.'), 'token'],
    'a segment with padding': [`${good}=`, 'token'],
    'an empty tag': [good.slice(0, good.lastIndexOf('.') + 1), 'token'],
    'six parts': [`${good}.AAAA`, 'token'],
    'too long': [`${good}${'A'.repeat(9_000)}`, 'token'],
  }
  for (const [what, [raw, check]] of Object.entries(cases)) {
    const error = await rejectionOf(api.verify(raw))
    t.match(error, { statusCode: 401, code: 'invalid_token', check }, what)
  }
  const repeated = await rejectionOf(api.verify(`${jwt}, ${jwt}`))
  t.match(repeated.reason, { found: 'several values of a repeated header' })
  t.equal(api.statistics().decryptions, 0)
  t.ok(await api.verify(good))
})

t.test('E3: every failed decryption has the same error', async (t) => {
  const other = await encryptionKey('ECDH-ES', 'ec-1')
  const keys = [rsa.privateJwk, ec.privateJwk]
  const api = await server({ keys })
  const jwt = await sign(key)
  const parameters = { alg: 'ECDH-ES', kid: 'ec-1' }
  const good = (await encrypt(jwt, ec.publicKey, parameters)).split('.')
  const ofRsa = (await encrypt(jwt, rsa.publicKey, { alg: 'RSA-OAEP-256', kid: 'rsa-1' })).split(
    '.',
  )
  const header = JSON.parse(Buffer.from(good[0] as string, 'base64url').toString())
  const withEpk = (epk: object) => [base64url({ ...header, epk }), ...good.slice(1)].join('.')
  const replaced = (parts: string[], at: number, by: string) =>
    parts.map((part, i) => (i === at ? by : part)).join('.')
  const flipped = (text = '') => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
  const messages = new Set<string>()
  for (const [what, raw] of Object.entries({
    'another recipient': await encrypt(jwt, other.publicKey, parameters),
    'a foreign epk': withEpk({ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }),
    'an epk on another curve': withEpk({ kty: 'OKP', crv: 'X25519', x: 'A'.repeat(43) }),
    'a truncated tag': replaced(good, 4, (good[4] as string).slice(0, 8)),
    'a changed tag': replaced(good, 4, flipped(good[4])),
    'a changed ciphertext': replaced(good, 3, flipped(good[3])),
    'a changed iv': replaced(good, 2, flipped(good[2])),
    'a long iv': replaced(good, 2, 'A'.repeat(24)),
    'an encrypted key with direct agreement': replaced(good, 1, 'AAAA'),
    'a changed encrypted key': replaced(ofRsa, 1, flipped(ofRsa[1])),
    'an empty encrypted key': replaced(ofRsa, 1, ''),
    'a short encrypted key': replaced(ofRsa, 1, 'AAAA'),
  })) {
    const error = await rejectionOf(api.verify(raw))
    t.match(error, { statusCode: 401, code: 'invalid_token', check: 'decryption' }, what)
    messages.add(JSON.stringify([error.message, error.reason]))
  }
  t.equal(messages.size, 1)
})

t.test('E3: a key without kid is tried for every token, at most three of them', async (t) => {
  const keys = await Promise.all(Array.from({ length: 5 }, () => encryptionKey('ECDH-ES')))
  const api = await server({ keys: keys.map(({ privateKey }) => privateKey) })
  const jwt = await sign(key)
  const third = await encrypt(jwt, keys[2]?.publicKey as KeyObject, { alg: 'ECDH-ES', kid: 'x' })
  t.ok(await api.verify(third))
  t.equal(api.statistics().decryptions, 3)
  const fourth = await encrypt(jwt, keys[3]?.publicKey as KeyObject, { alg: 'ECDH-ES' })
  t.match(await rejectionOf(api.verify(fourth)), { check: 'decryption' })
  t.equal(api.statistics().decryptions, 6)
})

t.test('E3: an ephemeral key on another curve than the private key is not used', async (t) => {
  const x25519 = await Promise.all(
    Array.from({ length: 3 }, () => encryptionKey('ECDH-ES', undefined, 'X25519')),
  )
  const p521 = await encryptionKey('ECDH-ES', undefined, 'P-521')
  const p256 = await encryptionKey('ECDH-ES')
  const api = await server({ keys: [...x25519, p256].map(({ privateKey }) => privateKey) })
  const jwt = await sign(key)
  const good = await encrypt(jwt, p256.publicKey, { alg: 'ECDH-ES' })
  const [header = '', ...rest] = good.split('.')
  const decoded = JSON.parse(Buffer.from(header, 'base64url').toString())
  for (const epk of [
    p521.publicKey.export({ format: 'jwk' }),
    { ...decoded.epk, crv: undefined },
    { ...decoded.epk, crv: ['P-256'] },
    'P-256',
    undefined,
  ]) {
    const error = await rejectionOf(api.verify([base64url({ ...decoded, epk }), ...rest].join('.')))
    t.match(error, { statusCode: 401, check: 'decryption', message: /cannot be decrypted/ })
  }
  t.equal(api.statistics().decryptions, 0)
  t.ok(await api.verify(good))
  t.equal(api.statistics().decryptions, 1, 'tries only keys on the curve')
})

t.test('E3: bounds decryptions, and plain tokens do not wait for them', async (t) => {
  const api = await server({ keys: [rsa.privateJwk] })
  const jwt = await sign(key)
  const other = await encryptionKey('RSA-OAEP-256', 'rsa-1')
  const flood = await Promise.all(
    Array.from({ length: 1_300 }, () =>
      encrypt(jwt, other.publicKey, { alg: 'RSA-OAEP-256', kid: 'rsa-1' }),
    ),
  )
  const errors = Promise.all(flood.map((raw) => rejectionOf(api.verify(raw))))
  t.ok(await api.verify(await sign(key, { jti: 'plain' })))
  t.ok(api.statistics().decryptions < 100, 'the plain token did not wait')
  const statuses = (await errors).map(({ statusCode, check, headers }) =>
    statusCode === 503 ? [check, headers['retry-after']].join(' ') : `${statusCode} ${check}`,
  )
  const count = (status: string) => statuses.filter((one) => one === status).length
  t.ok(count('401 decryption') >= 200)
  t.ok(count('decryption-unavailable 1') >= 250)
  t.equal(count('401 decryption') + count('decryption-unavailable 1'), 1_300)
  t.ok(await api.verify(await encrypt(jwt, rsa.publicKey, { alg: 'RSA-OAEP-256' })))
})

t.test('E3: loses no token if the thread ends, and logs it once', async (t) => {
  const lines: string[] = []
  const logger = { warn: (_: object, message: string) => lines.push(message) }
  const api = await server({ keys: [rsa.privateJwk] }, { logger })
  const tokens = await Promise.all(
    Array.from({ length: 20 }, async (_, i) =>
      encrypt(await sign(key, { jti: `${i}` }), rsa.publicKey, { alg: 'RSA-OAEP-256' }),
    ),
  )
  const [first = '', ...others] = tokens
  t.ok(await api.verify(first))
  const verifying = others.map((raw) => api.verify(raw))
  // A user without keys makes the program of the thread throw.
  const user = { id: -1, onEnd: () => {} }
  const ended = DecryptionThread.shared().decrypt(user, { raw: '', keyIndexes: [] }, async () => ({
    plaintext: 'the thread ended',
    attempts: 0,
  }))
  t.equal((await ended).plaintext, 'the thread ended')
  t.equal(new Set((await Promise.all(verifying)).map(({ claims }) => claims.jti)).size, 19)
  const later = await encrypt(await sign(key), rsa.publicKey, { alg: 'RSA-OAEP-256' })
  t.ok(await api.verify(later))
  t.same(lines, ['no thread for decryption; tokens are decrypted on the event loop'])
  await api.close()
})

t.test('rotates the decryption key without a lost request', async (t) => {
  const next = await encryptionKey('ECDH-ES', 'ec-2')
  const jwt = await sign(key)
  const tokens = [
    await encrypt(jwt, ec.publicKey, { alg: 'ECDH-ES', kid: 'ec-1' }),
    await encrypt(jwt, next.publicKey, { alg: 'ECDH-ES', kid: 'ec-2' }),
  ]
  const during = await server({ keys: [ec.privateJwk, next.privateJwk] })
  for (const raw of tokens) t.ok(await during.verify(raw))
  const after = await server({ keys: [next.privateJwk] })
  t.match(await rejectionOf(after.verify(tokens[0] as string)), { check: 'decryption' })
  t.ok(await after.verify(tokens[1] as string))
})

t.test('E4: the plugin shows nothing of the content', async (t) => {
  const lines: string[] = []
  const app = await api(t, { keys: [ec.privateJwk] }, lines)
  const jwt = await sign(key, { aud: 'api://other', secret_claim: 'canary' })
  const raw = await encrypt(jwt, ec.publicKey, { alg: 'ECDH-ES' })
  const response = await app.inject({ url: '/', headers: { authorization: `Bearer ${raw}` } })
  t.equal(response.statusCode, 401)
  const shown = JSON.stringify([response.headers, response.body, lines])
  t.match(shown, /audience/)
  for (const part of [...jwt.split('.'), ...raw.split('.').filter((one) => one !== ''), 'canary']) {
    t.notOk(shown.includes(part))
  }
})

async function api(t: Test, decryption: DecryptionOptions, lines: string[]) {
  const stream = { write: (line: string) => lines.push(line) }
  const app: FastifyInstance = Fastify({ logger: { level: 'trace', stream } })
  t.teardown(() => app.close())
  await app.register(resourceServer, { ...ISSUER_OPTIONS, decryption })
  app.get('/', async ({ auth }) => auth?.subject)
  return app
}

t.test('a proof of possession is for the token as the caller sent it', async (t) => {
  const client = await DPoPClient.make()
  const api = await server({ keys: [ec.privateJwk] }, { dpop: 'allowed' })
  const jwt = await sign(key, { cnf: { jkt: client.jkt } })
  const raw = await encrypt(jwt, ec.publicKey, { alg: 'ECDH-ES' })
  const url = 'https://api.example/orders'
  const present = async (token: string) => ({
    token: raw,
    dpop: { proof: await client.proof({ method: 'GET', url, token }), method: 'GET', url },
  })
  t.ok(await api.verify(await present(raw)))
  t.match(await rejectionOf(api.verify(await present(jwt))), { check: 'proof' })
  t.match(await rejectionOf(api.verify(raw)), { statusCode: 401 }, 'not without a proof')
})

t.test('introspects an encrypted token as the caller sent it', async (t) => {
  const issuer = await startIntrospectionServer(t)
  issuer.respond(issuer.metadataPath, json({ ...issuer.metadata, jwks_uri: issuer.jwksUri }))
  issuer.respond('/keys', json({ keys: [key.publicJwk] }))
  const active = { active: true, aud: AUDIENCE, exp: seconds() + 300, sub: 'user-1' }
  const client = await DPoPClient.make()
  const bound = await sign(key, { iss: issuer.issuer, jti: 'b', cnf: { jkt: client.jkt } })
  const raw = await encrypt(await sign(key, { iss: issuer.issuer }), ec.publicKey, {
    alg: 'ECDH-ES',
  })
  const rawBound = await encrypt(bound, ec.publicKey, { alg: 'ECDH-ES' })
  const revoked = await encrypt(await sign(key, { iss: issuer.issuer, jti: 'r' }), ec.publicKey, {
    alg: 'ECDH-ES',
  })
  const introspecting = (introspection: object, decryption?: DecryptionOptions) =>
    server(decryption, {
      issuer: issuer.issuer,
      jwks: {},
      introspection: { ...CLIENT, cacheMaxAge: 0, ...introspection },
    })
  const always = await introspecting({ mode: 'always' }, { keys: [ec.privateJwk] })
  t.match(await rejectionOf(always.verify(revoked)), { check: 'introspection' })
  issuer.state.tokens.set(raw, active)
  t.equal((await always.verify(raw)).subject, 'user-1')

  const opaque = await introspecting({ opaqueTokens: (token: string) => token === raw })
  t.equal((await opaque.verify(raw)).subject, 'user-1', 'introspected without decryption')

  t.ok(issuer.introspections.every(({ form }) => [raw, revoked].includes(form.get('token') ?? '')))
  issuer.state.tokens.set(rawBound, active)
  t.match(
    await rejectionOf(always.verify(rawBound)),
    { check: 'binding' },
    'the binding in the content is enforced',
  )
})

t.test('enforces the binding in the content of a token that must be introspected', async (t) => {
  const issuer = await startIntrospectionServer(t)
  const okta = 'https://example.okta.com'
  const client = await DPoPClient.make()
  const jwt = await sign(key, { iss: okta, cnf: { jkt: client.jkt } })
  const raw = await encrypt(jwt, ec.publicKey, { alg: 'ECDH-ES' })
  const plain = await encrypt(await sign(key, { iss: okta }), ec.publicKey, { alg: 'ECDH-ES' })
  const active = { active: true, aud: AUDIENCE, exp: seconds() + 300, sub: 'user-1' }
  for (const token of [raw, plain]) issuer.state.tokens.set(token, active)
  const api = await createResourceServer({
    issuer: okta,
    audience: AUDIENCE,
    introspection: { ...CLIENT, endpoint: issuer.endpoint },
    decryption: { keys: [ec.privateJwk] },
  })
  t.equal((await api.verify(plain)).subject, 'user-1')
  t.match(await rejectionOf(api.verify(raw)), { check: 'binding' })
})

t.test('concurrent requests share one decryption', async (t) => {
  const api = await server({ keys: [ec.privateJwk] })
  const raw = await encrypt(await sign(key), ec.publicKey, { alg: 'ECDH-ES' })
  await Promise.all(Array.from({ length: 20 }, () => api.verify(raw)))
  t.equal(api.statistics().decryptions, 1)
})

t.test('mistakes in the option are errors that name the fix', async (t) => {
  const small = await encryptionKey('RSA-OAEP-256')
  const secret = { kty: 'oct', k: 'A'.repeat(43) }
  const ed25519 = (await makeKey('EdDSA')).privateKey
  const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  const mistakes: [unknown, RegExp][] = [
    [[], /"decryption" option must be an object with "keys"/],
    [{}, /"decryption.keys" option must be an array of 1 to 10/],
    [{ keys: [] }, /array of 1 to 10/],
    [{ keys: Array(11).fill(small.privateJwk) }, /array of 1 to 10/],
    [{ keys: small.privateJwk }, /array of 1 to 10/],
    [{ keys: [small.publicKey] }, /"decryption.keys\[0\]" option must be a private key/],
    [{ keys: [small.publicKey.export({ type: 'spki', format: 'pem' })] }, /must be a private key/],
    [{ keys: ['canary'] }, /must be a private key/],
    [{ keys: [null] }, /must be a private key/],
    [{ keys: null }, /array of 1 to 10/],
    [
      { keys: [small.privateJwk], keyManagementAlgorithms: null },
      /"decryption.keyManagementAlgorithms" option must be an array/,
    ],
    [
      { keys: [small.privateJwk], contentEncryptionAlgorithms: {} },
      /"decryption.contentEncryptionAlgorithms" option must be an array/,
    ],
    [{ keys: [{ kty: 'oct' }] }, /must be a private key/],
    [{ keys: [{ kty: 'oct', k: 'AAAA' }] }, /must be a private key/],
    [{ keys: [ed25519] }, /must be a private key/],
    [{ keys: [rsa1024] }, /RSA of 2,048 to 8,192 bits/],
    [{ keys: [secret] }, /has no accepted algorithm: add one of dir, A128KW/],
    [{ keys: [{ ...secret, alg: 'HS256' }] }, /"alg" that its type cannot use: set one of dir/],
    [{ keys: [{ ...small.privateJwk, use: 'sig' }] }, /has a "use" other than "enc"/],
    [{ keys: [{ ...small.privateJwk, alg: 'RSA1_5' }] }, /set one of RSA-OAEP/],
    [{ keys: [small.privateJwk], keyManagementAlgorithms: ['dir'] }, /add one of RSA-OAEP/],
    [{ keys: [small.privateJwk], keyManagementAlgorithms: ['RSA1_5'] }, /must be an array of one/],
    [{ keys: [small.privateJwk], keyManagementAlgorithms: [] }, /must be an array of one/],
    [{ keys: [small.privateJwk], contentEncryptionAlgorithms: 'A128GCM' }, /must be an array/],
    [{ keys: [small.privateJwk], required: 'yes' }, /"decryption.required" option must be/],
    [{ keys: [small.privateJwk], key: 1 }, /"key"/],
  ]
  for (const [decryption, message] of mistakes) {
    await t.rejects(server(decryption as DecryptionOptions), { name: 'TypeError', message })
  }
  const error = await server({ keys: ['canary'] }).catch((error) => error)
  t.notMatch(inspect(error), /canary/)
})
