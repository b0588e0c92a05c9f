/** Signed responses (RFC 9701 §5). */
import t, { type Test } from 'tap'
import { KeysUnavailableError } from '../../src/errors/errors.js'
import { unwrap } from '../../src/errors/result.js'
import type { VerifySignature } from '../../src/introspection/signed-response.js'
import { staticKeySet } from '../../src/keys/static-keys.js'
import { Counters } from '../../src/observability/statistics.js'
import { createResourceServer } from '../../src/server/resource-server.js'
import { parseCompactJws, withClaims } from '../../src/token/compact-jws.js'
import { findSigningKey } from '../../src/token/find-signing-key.js'
import { KnownHeaders } from '../../src/token/known-headers.js'
import {
  AUDIENCE,
  CLIENT,
  introspectorOf,
  type Overrides,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'
import { makeKey, type SignOptions, sign } from '../fixtures/issuer.js'
import { json, text } from '../fixtures/key-server.js'

const SECONDS = 1_800_000_000
const GOOD = { active: true, sub: 'user-1', aud: AUDIENCE }
const TYPE = 'application/token-introspection+jwt'
const TYP = 'token-introspection+jwt'

const key = await makeKey('ES256')
const unknownKey = await makeKey('ES256')

async function start(t: Test, overrides: Overrides = {}) {
  const server = await startIntrospectionServer(t)
  const keys = staticKeySet(server.issuer, { keys: [key.publicJwk] }, 10)
  const verifySignature: VerifySignature = async (jwt) => {
    const jws = unwrap(parseCompactJws(jwt, 65_536, new KnownHeaders()))
    unwrap(
      await findSigningKey({
        jws,
        algorithm: 'ES256',
        source: await keys,
        counters: new Counters(),
      }),
    )
    return unwrap(withClaims(jws))
  }
  const introspecting = await introspectorOf(t, server, {
    requireSignedResponse: true,
    verifySignature,
    ...overrides,
  })
  const response = (jwt: string, type = TYPE) => {
    server.state.instead = text(jwt, { 'content-type': type })
  }
  const body = (changes: Record<string, unknown> = {}) => ({
    iss: server.issuer,
    aud: CLIENT.clientId,
    iat: SECONDS,
    token_introspection: GOOD,
    ...changes,
  })
  /** Signs the given claims only. */
  const signed = (changes: Record<string, unknown> = {}, { header }: SignOptions = {}, by = key) =>
    sign(by, {}, { header: { typ: TYP, ...header }, payload: JSON.stringify(body(changes)) })
  return { server, response, body, signed, ...introspecting }
}

t.test('I5: requests and accepts a signed response', async (t) => {
  const { server, response, signed, introspector } = await start(t)
  response(await signed())
  t.strictSame(await introspector.introspect('opaque'), GOOD)
  t.equal(server.introspections[0]?.headers.accept, TYPE)
})

t.test('I5: reads token_introspection only', async (t) => {
  const { response, signed, introspector } = await start(t)
  response(
    await signed({ active: true, sub: 'someone-else', token_introspection: { active: false } }),
  )
  t.equal(await introspector.introspect('opaque'), undefined)
})

t.test('I2: in a signed response, only the boolean true is active', async (t) => {
  const { response, signed, outcome } = await start(t)
  response(await signed({ token_introspection: { ...GOOD, active: 'true' } }))
  t.equal(await outcome('opaque'), 'rejected')
})

t.test('I5: accepts the client id or an audience in aud', async (t) => {
  for (const aud of [CLIENT.clientId, AUDIENCE, ['someone', AUDIENCE]]) {
    const { response, signed, outcome } = await start(t)
    response(await signed({ aud }))
    t.equal(await outcome('opaque'), 'active', JSON.stringify(aud))
  }
})

t.test('I5: responds with 503 for', async (t) => {
  const { body, signed } = await start(t)
  const duplicates = JSON.stringify(body()).replace('{"active"', '{"active":false,"active"')
  const table: Record<string, readonly [changes: Record<string, unknown>, SignOptions?]> = {
    'from another issuer': [{ iss: 'https://other.example' }],
    'without an issuer': [{ iss: undefined }],
    'for another resource server': [{ aud: 'other-api' }],
    'without an audience': [{ aud: undefined }],
    'for an audience that is no string': [{ aud: [{ client: CLIENT.clientId }] }],
    'without iat': [{ iat: undefined }],
    'with an iat that is a string': [{ iat: `${SECONDS}` }],
    'issued long ago': [{ iat: SECONDS - 301 }],
    'issued in the future': [{ iat: SECONDS + 301 }],
    'without token_introspection': [{ token_introspection: undefined, ...GOOD }],
    'with a token_introspection that is an array': [{ token_introspection: [GOOD] }],
    'without a type': [{}, { header: { typ: undefined } }],
    'of the type JWT': [{}, { header: { typ: 'JWT' } }],
    'of the type at+jwt': [{}, { header: { typ: 'at+jwt' } }],
    'of a type with another spelling': [{}, { header: { typ: 'Token-Introspection+JWT' } }],
  }
  for (const [name, [changes, options]] of Object.entries(table)) {
    t.test(`a response ${name}`, async (t) => {
      const { response, signed, outcome, failures } = await start(t)
      response(await signed(changes, options))
      t.equal(await outcome('opaque'), 'unavailable')
      t.match(failures, [
        { failure: { attributedTo: 'token', message: /^the signed introspection response/ } },
      ])
    })
  }

  const jwts: Record<string, string> = {
    'signed with an unknown key': await signed({}, {}, unknownKey),
    'not signed': `${Buffer.from(`{"alg":"none","typ":"${TYP}"}`).toString('base64url')}.e30.`,
    'with a duplicate member': await sign(key, {}, { header: { typ: TYP }, payload: duplicates }),
    'that is no JWT': 'garbage',
    'that is empty': '',
    'that is encrypted': 'a.b.c.d.e',
  }
  for (const [name, jwt] of Object.entries(jwts)) {
    t.test(`a response ${name}`, async (t) => {
      const { response, outcome, failures } = await start(t)
      response(jwt)
      t.equal(await outcome('opaque'), 'unavailable')
      t.match(failures, [{ failure: { message: /no valid signature of the issuer$/ } }])
    })
  }

  t.test('an unsigned response, reported as an error', async (t) => {
    const { server, outcome, failures } = await start(t)
    server.state.instead = json(GOOD)
    t.equal(await outcome('opaque'), 'unavailable')
    t.match(failures, [
      {
        failure: {
          level: 'error',
          message: /responded with a Content-Type other than application/,
        },
      },
    ])
  })

  t.test('a response while the keys are unavailable', async (t) => {
    const verifySignature = () =>
      Promise.reject(new KeysUnavailableError('https://issuer.example', 1, undefined))
    const { response, signed, outcome, failures } = await start(t, { verifySignature })
    response(await signed())
    t.equal(await outcome('opaque'), 'unavailable')
    t.match(failures, [{ failure: { message: /keys are unavailable$/ } }])
  })
})

t.test('accepts only the algorithms in the metadata', async (t) => {
  const table: [unknown, 'active' | 'unavailable'][] = [
    [['RS256', 'ES256'], 'active'],
    [['RS256'], 'unavailable'],
    [[], 'unavailable'],
    [undefined, 'active'],
    ['ES256', 'active'],
    [[256], 'active'],
  ]
  for (const [algorithms, expected] of table) {
    const { server, response, signed, outcome } = await start(t)
    const named = { introspection_signing_alg_values_supported: algorithms }
    server.respond(server.metadataPath, json({ ...server.metadata, ...named }))
    response(await signed())
    t.equal(await outcome('opaque'), expected, JSON.stringify(algorithms))
  }
})

t.test('I5: rejects a signed response as access token', async (t) => {
  const { server, signed, body } = await start(t)
  const { issuer } = server
  const api = await createResourceServer({
    issuer,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
    now: () => SECONDS * 1_000,
  })
  const claims = { ...body(), aud: AUDIENCE, exp: SECONDS + 60 }
  t.ok(await api.verify(await signed(claims, { header: { typ: 'at+jwt' } })), 'except for its type')
  await t.rejects(api.verify(await signed(claims)), { code: 'invalid_token', check: 'type' })
})
