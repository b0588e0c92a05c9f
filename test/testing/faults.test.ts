import { createLocalJWKSet, importJWK, type JSONWebKeySet, jwtVerify } from 'jose'
import t from 'tap'
import {
  createAuthorizationServer,
  type EndpointName,
  type Fault,
} from '../../src/testing/index.js'
import { waiting } from './fixtures/half-read.js'

const quick = { algorithm: 'ES256' } as const
const allWell = Array(8).fill(200)

async function start() {
  const server = await createAuthorizationServer(quick)
  const metadataUrl = `${server.issuer}/.well-known/openid-configuration`
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'demo-client',
    client_secret: 'demo-secret',
    scope: 'orders:read',
    token: 'unknown',
  })
  const hint = await server.issueIdToken()
  const authorization = `Bearer ${await server.issueToken({}, { subject: 'client' })}`
  const streamsUrl = `${server.issuer}/v1/ssf/streams`
  const created = await fetch(streamsUrl, { method: 'POST', headers: { authorization } })
  const stream = (await created.json()) as { stream_id: string; delivery: { endpoint_url: string } }
  server.resetRequests()
  return {
    server,
    metadataUrl,
    /** Requests each endpoint once. */
    async fetchAll(options: RequestInit = {}) {
      return {
        discovery: await fetch(metadataUrl, options),
        jwks: await fetch(server.jwksUri, options),
        token: await fetch(server.tokenEndpoint, { ...options, method: 'POST', body }),
        introspection: await fetch(server.introspectionEndpoint, {
          ...options,
          method: 'POST',
          body,
        }),
        revocation: await fetch(server.revocationEndpoint, { ...options, method: 'POST', body }),
        logout: await fetch(`${server.endSessionEndpoint}?id_token_hint=${hint}`, options),
        streams: await fetch(`${streamsUrl}?stream_id=${stream.stream_id}`, {
          ...options,
          headers: { authorization },
        }),
        poll: await fetch(stream.delivery.endpoint_url, {
          ...options,
          method: 'POST',
          headers: { authorization },
          body: '{"returnImmediately":true}',
        }),
      }
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

async function statuses(responses: Promise<Record<EndpointName, Response>>) {
  const { discovery, jwks, token, introspection, revocation, logout, streams, poll } =
    await responses
  const all = [discovery, jwks, token, introspection, revocation, logout, streams, poll]
  await Promise.all(all.map((response) => response.text()))
  return all.map(({ status }) => status)
}

t.test('resets the connection without a response', async (t) => {
  await using setup = await start()
  const { server, metadataUrl } = setup
  server.fail('reset')
  for (const url of [metadataUrl, server.jwksUri]) {
    t.equal(await waiting(url).over, 'ECONNRESET')
  }
  const { tokenEndpoint, introspectionEndpoint, revocationEndpoint } = server
  for (const url of [tokenEndpoint, introspectionEndpoint, revocationEndpoint]) {
    t.equal(await waiting(url, 'POST', 'a=b').over, 'ECONNRESET')
  }
  t.same(
    server.requests,
    {
      discovery: 1,
      jwks: 1,
      token: 1,
      introspection: 1,
      revocation: 1,
      logout: 0,
      streams: 0,
      poll: 0,
      other: 0,
    },
    'counts the requests',
  )
  server.recover()
  t.same(await statuses(setup.fetchAll()), allWell)
  t.same(server.requests, {
    discovery: 2,
    jwks: 2,
    token: 2,
    introspection: 2,
    revocation: 2,
    logout: 1,
    streams: 1,
    poll: 1,
    other: 0,
  })
})

t.test('responds with an error status', async (t) => {
  await using setup = await start()
  const { server } = setup
  server.fail({ status: 500 })
  t.same(await statuses(setup.fetchAll()), Array(8).fill(500))
  const plain = await fetch(server.jwksUri)
  t.equal(plain.headers.get('retry-after'), null)
  t.match(await plain.json(), { error: 'server_error' })
  server.fail({ status: 429, retryAfter: 7 })
  t.same(await statuses(setup.fetchAll()), Array(8).fill(429))
  const { headers } = await fetch(server.jwksUri)
  t.equal(headers.get('retry-after'), '7')
  t.equal(headers.get('cache-control'), 'no-store')
})

t.test('responds with bytes that are not JSON', async (t) => {
  await using setup = await start()
  setup.server.fail('garbage')
  for (const response of Object.values(await setup.fetchAll())) {
    t.equal(response.status, 200)
    t.equal(response.headers.get('content-type'), 'application/json')
    const bytes = await response.arrayBuffer()
    t.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    t.throws(() => JSON.parse(new TextDecoder().decode(bytes)))
  }
})

t.test('responds with a login page', async (t) => {
  await using setup = await start()
  setup.server.fail('html')
  for (const response of Object.values(await setup.fetchAll())) {
    t.equal(response.status, 200)
    t.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
    t.match(await response.text(), /<!doctype html>[\s\S]*<form/)
  }
})

t.test('redirects to the correct response', async (t) => {
  await using setup = await start()
  const { server, metadataUrl } = setup
  server.fail('redirect')
  t.same(await statuses(setup.fetchAll({ redirect: 'manual' })), Array(8).fill(302))
  t.same(server.requests, {
    discovery: 1,
    jwks: 1,
    token: 1,
    introspection: 1,
    revocation: 1,
    logout: 1,
    streams: 1,
    poll: 1,
    other: 0,
  })
  const keySet = await fetch(`${server.jwksUri}?x=1`)
  t.equal(keySet.url, `${server.url}/redirected/oauth2/default/v1/keys?x=1`)
  t.same(await keySet.json(), server.keySet())
  t.match(await (await fetch(metadataUrl)).json(), { issuer: server.issuer })
  t.match(
    server.requests,
    { discovery: 3, jwks: 3, token: 1, other: 0 },
    'counts a followed redirect twice',
  )
})

t.test('redirects to another URL', async (t) => {
  await using setup = await start()
  await using elsewhere = await createAuthorizationServer(quick)
  const { server } = setup
  server.fail({ redirect: elsewhere.jwksUri }, 'jwks')
  t.same(await (await fetch(server.jwksUri)).json(), elsewhere.keySet())
  t.equal(elsewhere.requests.jwks, 1)
  server.fail({ redirect: 'http://127.0.0.1/ä\u2028' }, 'jwks')
  const { headers } = await fetch(server.jwksUri, { redirect: 'manual' })
  t.equal(headers.get('location'), 'http://127.0.0.1/%C3%A4%E2%80%A8')
})

t.test('publishes an empty key set', async (t) => {
  await using setup = await start()
  const { server } = setup
  server.fail('no-keys')
  const response = await fetch(server.jwksUri)
  t.equal(response.headers.get('cache-control'), 'public, max-age=300')
  t.same(await response.json(), { keys: [] })
  t.equal(server.keySet().keys.length, 1, 'the keys are still published')
  t.same(await statuses(setup.fetchAll()), allWell, 'the fault affects only the key set')
})

t.test('publishes an invalid key before the valid ones', async (t) => {
  await using setup = await start()
  const { server } = setup
  server.fail('bad-key')
  const keySet = (await (await fetch(server.jwksUri)).json()) as JSONWebKeySet
  const [invalid = { kty: '' }, ...valid] = keySet.keys
  t.same(valid, server.keySet().keys)
  await t.rejects(async () => importJWK(invalid, 'ES256'))
})

t.test('publishes 10,000 keys', async (t) => {
  await using setup = await start()
  const { server } = setup
  await server.rotateKeys()
  server.fail('many-keys')
  const keySet = (await (await fetch(server.jwksUri)).json()) as JSONWebKeySet
  t.equal(keySet.keys.length, 10_000)
  t.equal(new Set(keySet.keys.map(({ kid }) => kid)).size, 10_000)
  t.same(keySet.keys.slice(-2), server.keySet().keys)
  await t.resolves(importJWK(keySet.keys[0] ?? {}, 'ES256'))
  await t.resolves(jwtVerify(await server.issueToken(), createLocalJWKSet(keySet)))
})

t.test('publishes metadata of another issuer', async (t) => {
  await using setup = await start()
  const { server, metadataUrl } = setup
  const correct = (await (await fetch(metadataUrl)).json()) as object
  server.fail('wrong-issuer')
  const path = '/.well-known/oauth-authorization-server/oauth2/default'
  for (const url of [metadataUrl, `${server.url}${path}`]) {
    const metadata = await (await fetch(url)).json()
    t.same(metadata, { ...correct, issuer: 'https://wrong-issuer.example' })
  }
})

t.test('pads the correct response to 50 MB', async (t) => {
  await using setup = await start()
  const { server } = setup
  server.fail('oversized', 'jwks')
  const response = await fetch(server.jwksUri)
  t.equal(response.headers.get('content-length'), null)
  t.equal(response.headers.get('cache-control'), 'public, max-age=300')
  const text = await response.text()
  t.equal(text.length, 50_000_000)
  t.same((JSON.parse(text) as JSONWebKeySet).keys, server.keySet().keys)
})

t.test('keeps 404 and 405 with a fault that changes the content', async (t) => {
  await using setup = await start()
  const { server } = setup
  const former = server.jwksUri
  server.moveKeySet()
  for (const fault of ['no-keys', 'bad-key', 'many-keys'] as const) {
    server.fail(fault)
    t.match(await (await fetch(former)).json(), { error: 'not_found' })
    const { status } = await fetch(server.jwksUri, { method: 'POST' })
    t.equal(status, 405)
  }
})

t.test('responds to HEAD without a body, regardless of the fault of the body', async (t) => {
  await using setup = await start()
  const { server } = setup
  const faults: Fault[] = [
    'stalled-body',
    'oversized',
    'endless',
    'many-keys',
    { slowBody: 60_000 },
  ]
  for (const fault of faults) {
    server.fail(fault, 'jwks')
    const response = await fetch(server.jwksUri, { method: 'HEAD' })
    t.equal(response.status, 200)
    t.equal(await response.text(), '')
  }
})

t.test('injects and removes faults at the given endpoints', async (t) => {
  await using setup = await start()
  const { server } = setup
  const now = () => statuses(setup.fetchAll())
  server.fail({ status: 500 }, 'jwks')
  t.same(await now(), [200, 500, 200, 200, 200, 200, 200, 200])
  server.fail({ status: 503 }, ['discovery', 'jwks'])
  t.same(
    await now(),
    [503, 503, 200, 200, 200, 200, 200, 200],
    'the later fault replaces the earlier one',
  )
  server.recover('discovery')
  t.same(await now(), [200, 503, 200, 200, 200, 200, 200, 200])
  server.fail({ status: 400 })
  server.recover(['jwks', 'token', 'revocation'])
  t.same(await now(), [400, 200, 200, 400, 200, 400, 400, 400])
  server.recover()
  server.recover()
  t.same(await now(), allWell)
  server.fail({ status: 500 })
  t.equal((await fetch(`${server.url}/nothing`)).status, 404, 'other paths remain 404')
  await t.resolves(server.issueToken())
})

t.test('names the invalid part of a fault', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const cases: [unknown, unknown, RegExp][] = [
    ['broken', undefined, /"fault" must be one of reset, hang, .*"status", "delay", "slowBody"/],
    ['toString', undefined, /"fault" must be one of/],
    [undefined, undefined, /"fault" must be one of/],
    [null, undefined, /"fault" must be one of/],
    [500, undefined, /"fault" must be one of/],
    [{}, undefined, /"fault" must be one of/],
    [{ late: 5 }, undefined, /"fault" must be one of/],
    [{ delay: 5, slowBody: 5 }, undefined, /a fault must have only one of/],
    [{ status: 200 }, undefined, /"status" must be a whole number from 400 to 599/],
    [{ status: 600 }, undefined, /"status" must be/],
    [{ status: '500' }, undefined, /"status" must be/],
    [{ status: 503, retryAfter: -1 }, undefined, /"retryAfter" must be a whole number of seconds/],
    [{ status: 503, retryAfter: 0.5 }, undefined, /"retryAfter" must be/],
    [{ delay: 5, retryAfter: 5 }, undefined, /"retryAfter" must be .* requires "status"/],
    [{ delay: 0 }, undefined, /"delay" must be a whole number of milliseconds from 1/],
    [{ slowBody: 2 ** 31 }, undefined, /"slowBody" must be a whole number .* to 2147483647/],
    [{ redirect: '/elsewhere' }, undefined, /"redirect" must be an absolute http or https URL/],
    [{ redirect: 'http://' }, undefined, /"redirect" must be/],
    [{ redirect: new URL('http://x') }, undefined, /"redirect" must be/],
    [
      'hang',
      'other',
      /"endpoints" must be one or several of discovery, jwks, token, introspection, revocation/,
    ],
    ['hang', [], /"endpoints" must be/],
    ['hang', ['jwks', 'keys'], /"endpoints" must be/],
    ['hang', null, /"endpoints" must be/],
    ['many-keys', 'token', /the fault "many-keys" is supported only at the endpoint "jwks"/],
    [
      'no-keys',
      ['jwks', 'discovery'],
      /the fault "no-keys" is supported only at the endpoint "jwks"/,
    ],
    ['bad-key', 'discovery', /the fault "bad-key" is supported only at the endpoint "jwks"/],
    [
      'wrong-issuer',
      'jwks',
      /the fault "wrong-issuer" is supported only at the endpoint "discovery"/,
    ],
  ]
  for (const [fault, endpoints, message] of cases) {
    const fail = () => server.fail(fault as Fault, endpoints as EndpointName)
    t.throws(fail, { name: 'TypeError', message })
  }
  t.throws(() => server.recover('other' as 'jwks'), { message: /"endpoints" must be/ })
  t.equal((await fetch(server.jwksUri)).status, 200, 'and changes nothing')
})
