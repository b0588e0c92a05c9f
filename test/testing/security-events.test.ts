/** The embedded server as a transmitter of security events (SSF 1.0, RFC 8417, 8935, 8936). */
import { spawnSync } from 'node:child_process'
import { Socket } from 'node:net'
import { mock } from 'node:test'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import { createResourceServer } from '../../src/index.js'
import { PollDelivery } from '../../src/testing/authorization-server/security-events/poll-delivery.js'
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  createAuthorizationServer,
  type SentSecurityEvent,
  type TestSecurityEvent,
} from '../../src/testing/index.js'
import { cannedServer } from './fixtures/canned-server.js'
import { waiting } from './fixtures/half-read.js'

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/'
const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification'
const PUSH = 'urn:ietf:rfc:8935'
const POLL = 'urn:ietf:rfc:8936'
const iat = 1_800_000_000
const JANE = { username: 'jane', password: 'pw' }

async function start(t: Test, options: AuthorizationServerOptions = {}) {
  const server = await createAuthorizationServer({
    algorithm: 'ES256',
    users: [JANE],
    ...options,
  })
  t.teardown(() => server.close())
  return server
}

interface Configuration {
  stream_id: string
  delivery: { endpoint_url: string }
  [member: string]: unknown
}

/** A receiver with an access token of the client credentials grant. */
async function receiverOf(server: AuthorizationServer, claims: Record<string, unknown> = {}) {
  const token = await server.issueToken(claims, { subject: 'client' })
  const base = `${server.issuer}/v1/ssf`
  const call = async (path: string, method = 'GET', body?: unknown) => {
    const response = await fetch(new URL(path, `${base}/`), {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const json = text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>)
    return { status: response.status, headers: response.headers, body: json, token }
  }
  return {
    call,
    async create(body: unknown = undefined): Promise<Configuration> {
      const { status, body: configuration } = await call('streams', 'POST', body)
      t.equal(status, 201)
      return configuration as unknown as Configuration
    },
    async poll({ delivery }: Configuration, body: unknown = {}) {
      return call(delivery.endpoint_url, 'POST', body)
    },
  }
}

const now = { returnImmediately: true }

const rejection = (check: string) => ({ name: 'InvalidTokenError', check })

t.test('issues security event tokens as RFC 8417 and SSF 1.0 §4 require', async (t) => {
  const server = await start(t, { now: () => iat * 1000 })
  const { sid } = decodeJwt(await server.issueToken())
  const token = await server.issueSecurityEvent()
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(server.keySet()))
  t.same(protectedHeader, {
    alg: 'ES256',
    kid: server.keySet().keys[0]?.kid,
    typ: 'secevent+jwt',
  })
  t.match(payload.jti, /^[\da-f-]{36}$/)
  const user = { format: 'iss_sub', iss: server.issuer, sub: 'jane' }
  t.same(payload, {
    iss: server.issuer,
    aud: 'demo-client',
    iat,
    jti: payload.jti,
    events: { [`${CAEP}session-revoked`]: { event_timestamp: iat } },
    sub_id: { format: 'complex', user, session: { format: 'opaque', id: sid } },
  })
  const disabled = decodeJwt(await server.issueSecurityEvent({ event: 'account-disabled' }))
  t.same(disabled.events, { [`${RISC}account-disabled`]: { event_timestamp: iat } })
  t.same(disabled.sub_id, user)
  const other = { event: 'https://events.example/odd', payload: { a: 1 }, subject: { format: 'x' } }
  t.match(decodeJwt(await server.issueSecurityEvent(other)), {
    events: { 'https://events.example/odd': { a: 1 } },
    sub_id: { format: 'x' },
  })
  t.equal(server.requests.other, 0)
})

t.test('issues wrong security event tokens on demand', async (t) => {
  const server = await start(t)
  const token = await server.issueSecurityEvent({
    claims: { aud: undefined, sub: 'jane', events: {}, jti: 7 },
    header: { typ: undefined },
    algorithm: 'EdDSA',
  })
  const { kid } = server.keySet().keys[1] as { kid: string }
  t.same(decodeProtectedHeader(token), { alg: 'EdDSA', kid })
  const { aud, ...claims } = decodeJwt(token)
  t.equal(aud, undefined)
  t.match(claims, { sub: 'jane', events: {}, jti: 7 })
  const forged = await server.issueSecurityEvent({ forged: true })
  await t.rejects(jwtVerify(forged, createLocalJWKSet(server.keySet())), {
    code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  })
  const noUsers = await start(t, { users: [] })
  t.notOk('sub_id' in decodeJwt(await noUsers.issueSecurityEvent()))
})

t.test('names the invalid member of an event', async (t) => {
  const server = await start(t)
  const cases: [unknown, RegExp][] = [
    [{ type: 'session-revoked' }, /Unknown option "type" of a security event/],
    [{ event: 'session-ended' }, /"event" must be one of session-revoked, .*or the URI/],
    [{ event: '__proto__' }, /"event" must be one of/],
    [{ event: 7 }, /"event" must be one of/],
    [{ payload: 'x' }, /"payload" must be an object/],
    [{ subject: null }, /"subject" must be an object/],
    [{ claims: [] }, /"claims" must be an object/],
    [{ algorithm: 'HS256' }, /"algorithm" must be one of/],
    ['session-revoked', /The options of a security event must be an object/],
  ]
  for (const [event, message] of cases) {
    const given = event as TestSecurityEvent
    await t.rejects(server.issueSecurityEvent(given), { name: 'TypeError', message })
    await t.rejects(server.sendSecurityEvent(given), { name: 'TypeError', message })
  }
})

t.test('an API that receives an event rejects the tokens of the session', async (t) => {
  const server = await start(t)
  const { issuer } = server
  const api = await createResourceServer({
    issuer,
    audience: 'api://default',
    securityEvents: { issuer, audience: 'demo-client' },
  })
  t.teardown(() => api.close())
  const token = await server.issueToken()
  await t.resolves(api.verify(token))
  const forged = await server.issueSecurityEvent({ forged: true })
  await t.rejects(api.receive(forged), rejection('signature'))
  await t.rejects(
    api.receive(await server.issueToken({}, { subject: 'client' })),
    rejection('type'),
  )
  t.match(await api.receive(await server.issueSecurityEvent()), { outcome: 'revoked' })
  await t.rejects(api.verify(token), rejection('revocation'))
})

for (const issuerPath of ['/oauth2/default', '/a/', '']) {
  t.test(`SSF §7: publishes metadata for the path "${issuerPath}"`, async (t) => {
    const server = await start(t, { issuerPath })
    const path = issuerPath.replace(/\/$/, '')
    t.equal(server.ssfConfigurationUrl, `${server.url}/.well-known/ssf-configuration${path}`)
    const response = await fetch(server.ssfConfigurationUrl)
    const base = `${server.url}${path}/v1/ssf`
    t.same(await response.json(), {
      spec_version: '1_0',
      issuer: server.issuer,
      jwks_uri: server.jwksUri,
      delivery_methods_supported: [PUSH, POLL],
      configuration_endpoint: `${base}/streams`,
      status_endpoint: `${base}/status`,
      verification_endpoint: `${base}/verification`,
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
      default_subjects: 'ALL',
    })
    t.match(server.requests, { discovery: 1 })
    const moved = server.moveKeySet()
    t.match(await (await fetch(server.ssfConfigurationUrl)).json(), { jwks_uri: moved })
  })
}

t.test('SSF §8.1.1: creates, reads and deletes streams', async (t) => {
  const server = await start(t)
  const receiver = await receiverOf(server)
  const requested = [`${RISC}account-disabled`, 'https://events.example/odd']
  const stream = await receiver.create({ events_requested: requested, description: 'orders' })
  const { stream_id: id } = stream
  t.same(stream, {
    stream_id: id,
    iss: server.issuer,
    aud: 'demo-client',
    delivery: { method: POLL, endpoint_url: `${server.issuer}/v1/ssf/poll/${id}` },
    events_supported: stream.events_supported,
    events_requested: requested,
    events_delivered: [`${RISC}account-disabled`],
    description: 'orders',
  })
  const authorization_header = 'Bearer secret'
  const push = { method: PUSH, endpoint_url: 'https://api.example/events', authorization_header }
  const second = await receiver.create({ delivery: push })
  t.same(second.delivery, { method: PUSH, endpoint_url: 'https://api.example/events' })
  t.same(second.events_delivered, second.events_supported)
  const { headers, ...read } = await receiver.call(`streams?stream_id=${id}`)
  t.match(read, { status: 200, body: { stream_id: id } })
  t.equal(headers.get('cache-control'), 'no-store')
  t.same((await receiver.call('streams')).body, [stream, second])

  t.equal((await receiver.call(`streams?stream_id=${id}`, 'DELETE')).status, 204)
  t.equal((await receiver.call(`streams?stream_id=${id}`)).status, 404)
  t.equal((await receiver.call('streams', 'DELETE')).status, 404)
  t.equal((await receiver.poll(stream)).status, 404)
  t.same((await receiver.call('streams')).body, [second])
  t.equal((await receiver.call('streams', 'PATCH')).status, 405)
  t.match(server.requests, { streams: 9, poll: 0 })
})

t.test('SSF §8.1: only access tokens of the client of the stream are accepted', async (t) => {
  const server = await start(t)
  const stream = await (await receiverOf(server)).create()
  const other = await receiverOf(server, { client_id: 'other' })
  t.same((await other.call('streams')).body, [])
  t.equal((await other.call(`streams?stream_id=${stream.stream_id}`)).status, 404)
  t.equal((await other.poll(stream, now)).status, 404)
  const url = `${server.issuer}/v1/ssf/streams`
  const wrong = [
    undefined,
    'Bearer x',
    `Basic ${await server.issueToken()}`,
    `Bearer ${await server.issueIdToken()}`,
    `Bearer ${await server.issueToken({ exp: 1 })}`,
    `Bearer ${await server.issueToken({ cnf: { jkt: 'x' } })}`,
  ]
  for (const authorization of wrong) {
    const response = await fetch(url, authorization ? { headers: { authorization } } : {})
    t.equal(response.status, 401)
    t.match(response.headers.get('www-authenticate'), 'error="invalid_token"')
  }
})

t.test('rejects malformed requests of receivers', async (t) => {
  const server = await start(t)
  const receiver = await receiverOf(server)
  const stream = await receiver.create()
  const { stream_id } = stream
  const push = (rest: object) => ({ delivery: { method: PUSH, ...rest } })
  const url = 'http://127.0.0.1:1/'
  const cases: [string, unknown][] = [
    ['streams', '{'],
    ['streams', '[]'],
    ['streams', { delivery: 'push' }],
    ['streams', { delivery: { method: 'push' } }],
    ['streams', push({})],
    ['streams', push({ endpoint_url: '/events' })],
    ['streams', push({ endpoint_url: url, authorization_header: 7 })],
    ['streams', push({ endpoint_url: url, authorization_header: 'a\r\nb: c' })],
    ['streams', { events_requested: 'all' }],
    ['streams', { events_requested: [7] }],
    ['streams', { description: 7 }],
    ['status', { stream_id, status: 'on' }],
    ['status', { stream_id, status: 'enabled', reason: 7 }],
    ['verification', { stream_id, state: 7 }],
    [stream.delivery.endpoint_url, { maxEvents: -1 }],
    [stream.delivery.endpoint_url, { maxEvents: '1' }],
    [stream.delivery.endpoint_url, { returnImmediately: 'yes' }],
    [stream.delivery.endpoint_url, { ack: 'a' }],
    [stream.delivery.endpoint_url, { ack: [7] }],
    [stream.delivery.endpoint_url, { setErrs: [] }],
  ]
  for (const [path, body] of cases) {
    const { status, body: error } = await receiver.call(path, 'POST', body)
    t.match([status, error], [400, { error: 'invalid_request' }], JSON.stringify(body))
  }
  for (const path of ['status', 'verification']) {
    t.equal((await receiver.call(path, 'POST', { stream_id: 'x' })).status, 404)
  }
  const long = JSON.stringify({ description: 'x'.repeat(70_000) })
  t.equal((await receiver.call('streams', 'POST', long)).status, 413)
  for (let count = 1; count < 100; count++) await receiver.create()
  t.equal((await receiver.call('streams', 'POST')).status, 409)
})

t.test('RFC 8936: returns events until the receiver acknowledges them', async (t) => {
  const server = await start(t)
  const receiver = await receiverOf(server)
  const stream = await receiver.create()
  t.same((await receiver.poll(stream, now)).body, { sets: {} })
  const sent: SentSecurityEvent[] = []
  for (let i = 0; i < 3; i++) sent.push(...(await server.sendSecurityEvent()))
  t.match(sent, Array(3).fill({ streamId: stream.stream_id, token: /^eyJ/, status: undefined }))
  const ids = sent.map(({ token }) => `${decodeJwt(token).jti}`)
  const sets = (indexes: number[]) =>
    Object.fromEntries(indexes.map((index) => [ids[index], sent[index]?.token]))
  const first = await receiver.poll(stream, { maxEvents: 2 })
  t.equal(first.headers.get('content-type'), 'application/json')
  t.same(first.body, { sets: sets([0, 1]), moreAvailable: true })
  t.same((await receiver.poll(stream)).body, { sets: sets([0, 1, 2]) }, 'without acknowledgement')
  const onlyAck = { ack: [ids[0], 'unknown'], maxEvents: 0 }
  const acknowledged = await receiver.poll(stream, onlyAck)
  t.same(acknowledged.body, { sets: {}, moreAvailable: true }, 'without waiting')
  const setErrs = { [`${ids[1]}`]: { err: 'authentication_failed', description: 'x' } }
  t.same((await receiver.poll(stream, { setErrs })).body, { sets: sets([2]) })
  t.same((await receiver.poll(stream, { ack: [ids[2]], ...now })).body, { sets: {} })
  await server.sendSecurityEvent({ claims: { jti: undefined } })
  t.equal(Object.keys((await receiver.poll(stream)).body?.sets as object).length, 1)
  t.equal(server.requests.poll, 7)
})

t.test('RFC 8936 §2.4: a long poll waits for the next event', async (t) => {
  const server = await start(t)
  const receiver = await receiverOf(server)
  const stream = await receiver.create()
  const polling = receiver.poll(stream)
  while (server.requests.poll === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  const [sent] = await server.sendSecurityEvent()
  t.same(Object.values((await polling).body?.sets as object), [sent?.token])
})

t.test('RFC 8936 §2.4: a long poll ends without an event after 20 s', async (t) => {
  const server = await start(t)
  const receiver = await receiverOf(server)
  const stream = await receiver.create()
  const { setTimeout: realTimeout } = globalThis
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const polling = receiver.poll(stream)
  while (server.requests.poll === 0) await new Promise((resolve) => realTimeout(resolve, 2))
  await new Promise((resolve) => realTimeout(resolve, 50))
  mock.timers.tick(20_000)
  t.same((await polling).body, { sets: {} })
})

t.test('a long poll ends with its stream, its connection and the server', async (t) => {
  const server = await start(t)
  const receiver = await receiverOf(server)
  const stream = await receiver.create()
  const arrived = async (count: number) => {
    while (server.requests.poll < count) await new Promise((resolve) => setTimeout(resolve, 2))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const polling = receiver.poll(stream)
  await arrived(1)
  await receiver.call(`streams?stream_id=${stream.stream_id}`, 'DELETE')
  t.same((await polling).body, { sets: {} })
  const second = await receiver.create()
  const left = new AbortController()
  const leaving = fetch(second.delivery.endpoint_url, {
    method: 'POST',
    headers: { authorization: `Bearer ${await server.issueToken({}, { subject: 'client' })}` },
    signal: left.signal,
  })
  await arrived(2)
  left.abort()
  await t.rejects(leaving)
  const last = waiting(second.delivery.endpoint_url, 'POST', '{}')
  t.equal(await last.over, 'HTTP 401', 'an unauthorized poll does not wait')
  const open = receiver.poll(second)
  await arrived(4)
  await server.close()
  await t.rejects(open)
})

t.test('a long poll leaves no listener and no timer on its connection', async (t) => {
  const connection = new Socket()
  const listeners = connection.listenerCount('close')
  const delivery = new PollDelivery()
  const closed = delivery.wait(60_000, connection)
  connection.emit('close')
  await closed
  const delivered = delivery.wait(60_000, connection)
  delivery.deliver({ id: 'j-1', token: 'x' })
  await delivered
  t.equal(connection.listenerCount('close'), listeners)
})

t.test('keeps at most 1,000 events for a poll', async (t) => {
  const server = await start(t)
  const receiver = await receiverOf(server)
  const stream = await receiver.create()
  for (let i = 0; i <= 1_000; i++) await server.sendSecurityEvent({ claims: { jti: `j-${i}` } })
  const { sets, moreAvailable } = (await receiver.poll(stream, { maxEvents: 2_000 })).body as {
    sets: object
    moreAvailable?: boolean
  }
  t.equal(moreAvailable, undefined)
  const ids = Object.keys(sets)
  t.same([ids.length, ids[0], ids.at(-1)], [1_000, 'j-1', 'j-1000'])
})

t.test('RFC 8935: pushes an event to its receiver', async (t) => {
  const bodies: string[] = []
  const { url, seen } = await cannedServer(t, (_request, response) => {
    response.writeHead(202).end()
  })
  const server = await start(t)
  const receiver = await receiverOf(server)
  const authorization_header = 'Bearer secret of the receiver'
  const delivery = { method: PUSH, endpoint_url: `${url}/events?a=b`, authorization_header }
  const { stream_id } = await receiver.create({ delivery })
  const [sent] = await server.sendSecurityEvent({ event: 'credential-change' })
  t.match(sent, { streamId: stream_id, status: 202, body: '', error: undefined })
  t.match(seen, [
    {
      method: 'POST',
      url: '/events?a=b',
      headers: {
        'content-type': 'application/secevent+jwt',
        accept: 'application/json',
        authorization: authorization_header,
      },
    },
  ])
  for (const { form } of seen) bodies.push([...form.keys()].join())
  t.same(bodies, [sent?.token], 'the body is the token')
})

t.test(
  'RFC 8935 §2.4: repeats temporary failures only, and a bounded number of times',
  async (t) => {
    const statuses = [503, 429, 202, 400, 500, 500, 500]
    const { url, seen } = await cannedServer(t, (_request, response) => {
      const status = statuses.shift() as number
      response.writeHead(status).end(status === 400 ? '{"err":"invalid_issuer"}' : '')
    })
    const server = await start(t)
    const receiver = await receiverOf(server)
    await receiver.create({ delivery: { method: PUSH, endpoint_url: url } })
    const [one, two, three] = await Promise.all([
      server.sendSecurityEvent(),
      server.sendSecurityEvent(),
      server.sendSecurityEvent(),
    ])
    t.match([one, two, three].flat(), [
      { status: 202 },
      { status: 400, body: '{"err":"invalid_issuer"}' },
      { status: 500 },
    ])
    const order = seen.map(({ form }) => [...form.keys()].join())
    const [a, b, c] = [one, two, three].map((events) => events?.[0]?.token)
    t.same(order, [a, a, a, b, c, c, c], 'one event after the other')
    statuses.push(202)
    const unsignable = server.sendSecurityEvent({ header: { crit: ['x'] } })
    await t.rejects(unsignable, 'an event that cannot be signed')
    t.match(await server.sendSecurityEvent(), [{ status: 202 }], 'the stream continues')
  },
)

t.test('the end of the server ends pushes', async (t) => {
  let requests = 0
  const { url } = await cannedServer(t, (request) => {
    requests += 1
    if (requests === 1) request.socket.destroy()
  })
  const server = await start(t)
  const receiver = await receiverOf(server)
  await receiver.create({ delivery: { method: PUSH, endpoint_url: url } })
  const sending = server.sendSecurityEvent()
  while (requests < 2) await new Promise((resolve) => setTimeout(resolve, 2))
  await server.close()
  t.match(await sending, [{ status: undefined, error: { message: 'The server is closed' } }])
  const late = await server.sendSecurityEvent()
  t.match(late, [{ status: undefined, error: { message: 'The server is closed' } }])
  t.equal(requests, 2)
})

t.test('SSF §8.1.2: paused streams keep events, disabled streams drop them', async (t) => {
  const server = await start(t)
  const receiver = await receiverOf(server)
  const stream = await receiver.create()
  const { stream_id } = stream
  const read = async () => (await receiver.call(`status?stream_id=${stream_id}`)).body
  t.same(await read(), { stream_id, status: 'enabled' })
  const set = async (status: string, reason?: string) =>
    (await receiver.call('status', 'POST', { stream_id, status, reason })).body
  const count = async () =>
    Object.keys((await receiver.poll(stream, now)).body?.sets as object).length
  await server.sendSecurityEvent()
  t.same(await set('paused', 'maintenance'), { stream_id, status: 'paused', reason: 'maintenance' })
  for (let i = 0; i < 1_001; i++) await server.sendSecurityEvent()
  t.equal(await count(), 0)
  t.same(await set('enabled'), { stream_id, status: 'enabled' })
  const all = await receiver.poll(stream, { maxEvents: 5_000 })
  t.equal(Object.keys(all.body?.sets as object).length, 1_000)
  await set('paused')
  await server.sendSecurityEvent({ claims: { jti: 'held' } })
  await set('disabled')
  await server.sendSecurityEvent({ claims: { jti: 'dropped' } })
  t.equal(await count(), 0)
  await set('enabled')
  await server.sendSecurityEvent({ claims: { jti: 'later' } })
  const ids = Object.keys((await receiver.poll(stream, { maxEvents: 5_000 })).body?.sets as object)
  t.equal(ids.at(-1), 'later')
  t.notOk(ids.includes('held') || ids.includes('dropped'))
  t.same(await read(), { stream_id, status: 'enabled' })
})

t.test('SSF §8.1.4: transmits a verification event on request', async (t) => {
  const server = await start(t)
  const receiver = await receiverOf(server)
  const stream = await receiver.create({ events_requested: [] })
  const { stream_id } = stream
  for (const state of ['s-1', undefined]) {
    const polling = receiver.poll(stream)
    t.equal((await receiver.call('verification', 'POST', { stream_id, state })).status, 204)
    const sets = (await polling).body?.sets as Record<string, string>
    const [[id, token] = []] = Object.entries(sets)
    t.match(decodeJwt(`${token}`), {
      aud: 'demo-client',
      events: { [VERIFICATION]: { state } },
      sub_id: { format: 'opaque', id: stream_id },
    })
    await receiver.poll(stream, { ack: [id], ...now })
  }
  await server.sendSecurityEvent()
  t.same((await receiver.poll(stream, now)).body, { sets: {} }, 'no event was requested')
})

t.test('endSession and disableUser transmit events', async (t) => {
  const server = await start(t)
  const receiver = await receiverOf(server)
  const stream = await receiver.create()
  const take = async () => {
    const sets = (await receiver.poll(stream, now)).body?.sets as Record<string, string>
    await receiver.poll(stream, { ack: Object.keys(sets), ...now })
    return Object.values(sets).map((token) => {
      const { events, sub_id } = decodeJwt<{ events: object; sub_id: object }>(token)
      return [...Object.keys(events), sub_id]
    })
  }
  const user = { format: 'iss_sub', iss: server.issuer, sub: 'jane' }
  await server.issueToken({ sid: 's-1' })
  await server.endSession({ sid: 's-1' })
  const session = { format: 'opaque', id: 's-1' }
  t.same(await take(), [[`${CAEP}session-revoked`, { format: 'complex', user, session }]])
  await server.issueToken({ sid: 's-2', sub: 'ada' })
  await server.endSession({ sid: 's-2' })
  t.match(await take(), [[String, { user: { sub: 'ada' }, session: { id: 's-2' } }]])
  await server.endSession({ user: 'jane' })
  t.same(await take(), [[`${CAEP}session-revoked`, user]])
  await server.disableUser('jane')
  t.same(await take(), [[`${RISC}account-disabled`, user]])
})

t.test('a server with polls and pushes in flight does not keep the process alive', async (t) => {
  const program = `
    import { createServer } from 'node:http'
    import { createAuthorizationServer } from 'fastify-resource-server/testing'
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout')
    const receiver = createServer(() => {}).listen(0, '127.0.0.1', async () => {
      const server = await createAuthorizationServer({ algorithm: 'ES256' })
      const headers = {
        authorization: 'Bearer ' + await server.issueToken({}, { subject: 'client' }),
      }
      const post = (url, body) =>
        fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
      const streams = server.issuer + '/v1/ssf/streams'
      const endpoint_url = 'http://127.0.0.1:' + receiver.address().port
      await post(streams, { delivery: { method: 'urn:ietf:rfc:8935', endpoint_url } })
      const { delivery } = await (await post(streams, {})).json()
      post(delivery.endpoint_url, {}).catch(() => {})
      while (server.requests.poll === 0) await new Promise((done) => setTimeout(done, 5))
      receiver.on('request', async () => {
        await server.close()
        receiver.close()
        receiver.closeAllConnections()
        setImmediate(() => process.stdout.write(String(timers().length)))
      })
      server.sendSecurityEvent()
    })`
  const { NODE_OPTIONS: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', program],
    {
      env,
      timeout: 120_000,
      encoding: 'utf8',
    },
  )
  t.same([status, stdout, stderr], [0, '0', ''], 'no timer keeps it alive')
})

t.test('faults apply to the endpoints of receivers', async (t) => {
  const server = await start(t)
  const receiver = await receiverOf(server)
  const stream = await receiver.create()
  server.fail({ status: 503 }, 'poll')
  t.equal((await receiver.poll(stream, now)).status, 503)
  t.equal((await receiver.call('streams')).status, 200)
  server.fail({ status: 429 }, 'streams')
  t.equal((await receiver.call('streams')).status, 429)
  server.recover()
  t.equal((await receiver.poll(stream, now)).status, 200)
})
