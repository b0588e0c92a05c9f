/** Introspection requests and responses on the wire (RFC 7662 §2). */
import { exportJWK, generateKeyPair, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import {
  AUDIENCE,
  CLIENT,
  introspectorOf,
  type Overrides,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'
import { json, type ResponseHandler, status, text } from '../fixtures/key-server.js'

const SECONDS = 1_800_000_000
const GOOD = {
  active: true,
  sub: 'user-1',
  client_id: 'client-1',
  scope: 'orders:read',
  aud: AUDIENCE,
  exp: SECONDS + 600,
}

async function start(t: Test, overrides: Overrides = {}) {
  const server = await startIntrospectionServer(t)
  server.state.tokens.set('good', GOOD)
  return { server, ...(await introspectorOf(t, server, overrides)) }
}

t.test('I1: posts a form with client authentication', async (t) => {
  const { server, introspector } = await start(t)
  t.strictSame(await introspector.introspect('good'), GOOD)
  const [question] = server.introspections
  t.equal(question?.method, 'POST')
  t.match(question?.headers['content-type'], /^application\/x-www-form-urlencoded\b/)
  t.equal(question?.headers.accept, 'application/json')
  t.strictSame(Object.fromEntries(question?.form ?? []), {
    token: 'good',
    token_type_hint: 'access_token',
  })
  const basic = 'orders-api:a+secret%2C+100+%25+%26+more'
  t.equal(
    question?.headers.authorization,
    `Basic ${Buffer.from(basic).toString('base64')}`,
    'form-encoded as RFC 6749 §2.3.1 requires',
  )
  t.strictSame(server.requests, [server.metadataPath, '/introspect'])
})

t.test('I1: client_secret_post sends id and secret in the form', async (t) => {
  const { server, outcome } = await start(t, { clientAuthentication: 'client_secret_post' })
  t.equal(await outcome('good'), 'active')
  t.match(Object.fromEntries(server.introspections[0]?.form ?? []), {
    client_id: CLIENT.clientId,
    client_secret: CLIENT.clientSecret,
  })
  t.equal(server.introspections[0]?.headers.authorization, undefined)
})

t.test('I1: private_key_jwt sends an assertion for the issuer (rfc7523bis §4)', async (t) => {
  const pair = await generateKeyPair('ES256', { extractable: true })
  const privateKey = { ...(await exportJWK(pair.privateKey)), alg: 'ES256', kid: 'api-1' }
  const { server, outcome } = await start(t, { privateKey })
  t.equal(await outcome('good'), 'active')
  const { form } = server.introspections[0] ?? {}
  t.equal(
    form?.get('client_assertion_type'),
    'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  )
  const assertion = form?.get('client_assertion') ?? ''
  const { payload } = await jwtVerify(assertion, pair.publicKey, {
    typ: 'client-authentication+jwt',
  })
  const { clientId } = CLIENT
  t.match(payload, { iss: clientId, sub: clientId, jti: String, exp: Number })
  t.equal(payload.aud, server.issuer, 'a single string')
  t.notMatch(assertion, JSON.stringify(privateKey.d))
})

t.test('private_key_jwt_untyped sends the assertion without typ', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), alg: 'ES256' }
  for (const key of [privateKey, jwk]) {
    const { server, outcome } = await start(t, {
      privateKey: key,
      clientAuthentication: 'private_key_jwt_untyped',
    })
    t.equal(await outcome('good'), 'active')
    const assertion = server.introspections[0]?.form.get('client_assertion') ?? ''
    const { payload, protectedHeader } = await jwtVerify(assertion, publicKey)
    t.equal(payload.aud, server.issuer)
    t.notOk('typ' in protectedHeader)
  }
})

t.test('rejects a key that cannot sign at creation', async (t) => {
  const { publicKey } = await generateKeyPair('ES256')
  await t.rejects(start(t, { privateKey: publicKey }), { name: 'TypeError', message: /privateKey/ })
})

t.test('sends requests to a configured endpoint without reading metadata', async (t) => {
  const server = await startIntrospectionServer(t)
  server.state.tokens.set('good', GOOD)
  const { outcome } = await introspectorOf(t, server, { endpoint: `${server.endpoint}` })
  t.equal(await outcome('good'), 'active')
  t.strictSame(server.requests, ['/introspect'])
})

t.test('I2: only the boolean true is active', async (t) => {
  const table: [unknown, 'active' | 'rejected', reported: boolean][] = [
    [true, 'active', false],
    [false, 'rejected', false],
    ['true', 'rejected', true],
    ['false', 'rejected', true],
    [1, 'rejected', true],
    [null, 'rejected', true],
    [[true], 'rejected', true],
    [{}, 'rejected', true],
    [undefined, 'rejected', true],
  ]
  for (const [active, expected, reported] of table) {
    const { server, outcome, failures } = await start(t)
    server.state.tokens.set('token', { ...GOOD, active })
    t.equal(await outcome('token'), expected, `${JSON.stringify(active)}`)
    t.equal(failures.length, reported ? 1 : 0, 'malformed responses are reported')
    t.equal(await outcome('token'), expected)
    t.equal(server.requestsFor('token'), 1, 'and not requested again')
  }
})

t.test('freezes the response, because requests share it', async (t) => {
  const { server, introspector } = await start(t)
  server.state.tokens.set('bound', { ...GOOD, cnf: { jkt: 'thumb' } })
  const response = await introspector.introspect('bound')
  t.ok(Object.isFrozen(response) && Object.isFrozen(response?.cnf))
})

t.test('responds with 503 for the token of an unusable response only', async (t) => {
  const body = JSON.stringify(GOOD)
  const type = { 'content-type': 'application/json' }
  const table: Record<string, ResponseHandler> = {
    'a duplicate member': text(`{"active":false,${body.slice(1)}`, type),
    'a __proto__': text('{"active":true,"__proto__":{}}', type),
    HTML: text('<html>', { 'content-type': 'text/html' }),
    'JSON with the media type of HTML': text(body, { 'content-type': 'text/html' }),
    'JSON without a type': text(body),
    'an unrequested signed response': text(body, {
      'content-type': 'application/token-introspection+jwt',
    }),
    'an array': json([GOOD]),
    'broken JSON': text(body.slice(0, -1), type),
    nothing: text('', type),
    'more than 65,536 bytes': json({ ...GOOD, filler: 'x'.repeat(66_000) }),
    'a 400': status(400, type),
    'a 403 of a middlebox': (response) => response.writeHead(403).end('<html>'),
    'a 500': status(500),
  }
  for (const [name, response] of Object.entries(table)) {
    t.test(name, async (t) => {
      const { server, outcome, failures } = await start(t)
      server.state.instead = response
      t.equal(await outcome('odd'), 'unavailable')
      t.equal(failures.length, 1)
      t.match(failures, [{ failure: { attributedTo: 'token', level: 'warn' }, retryIn: 0 }])
      t.equal(await outcome('odd'), 'unavailable')
      t.equal(server.requestsFor('odd'), 1, 'not introspected again immediately')
      server.state.instead = undefined
      t.equal(await outcome('good'), 'active', 'other tokens are not affected')
    })
  }
})

t.test('compares the media type of a response without case and parameters', async (t) => {
  const { server, outcome } = await start(t)
  server.state.instead = json(GOOD, { 'content-type': 'Application/JSON; charset=utf-8' })
  t.equal(await outcome('any'), 'active')
})

t.test('repeats a probe a second after a failure for one token', async (t) => {
  const { server, clock, outcome } = await start(t)
  server.state.instead = status(500)
  t.equal(await outcome('good'), 'unavailable')
  server.state.instead = undefined
  clock.now += 1_000
  t.equal(await outcome('good'), 'active')
})

t.test('reports failures that untrusted callers can cause once a second', async (t) => {
  const { server, clock, outcome, failures } = await start(t)
  server.state.instead = status(400)
  for (let i = 0; i < 20; i++) await outcome(`odd-${i}`)
  t.equal(failures.length, 1)
  clock.now += 1_000
  for (let i = 20; i < 40; i++) await outcome(`odd-${i}`)
  t.equal(failures.length, 2)
})
