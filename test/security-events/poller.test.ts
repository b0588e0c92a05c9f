/** Q: polling a transmitter for security event tokens (RFC 8936). */
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  createResourceServer,
  memoryStore,
  type ResourceServerOptions,
  type SecurityEventFeed,
  type SecurityEventPollOptions,
} from '../../src/index.js'
import { Poller } from '../../src/security-events/poller.js'
import { faultyStore } from '../fixtures/faulty-store.js'
import { ISSUER, makeKey } from '../fixtures/issuer.js'
import { type PolledTransmitter, startPolledTransmitter } from '../fixtures/polled-transmitter.js'
import { given, key, tokenOf } from '../fixtures/protected-api.js'
import { eventToken, STREAM } from '../fixtures/security-events.js'

const REVOKED = { name: 'InvalidTokenError', check: 'revocation' }

interface Given extends Partial<ResourceServerOptions> {
  readonly poll?: Partial<SecurityEventPollOptions>
  readonly feed?: Partial<SecurityEventFeed>
}

async function transmitterFor(t: Test): Promise<PolledTransmitter> {
  const transmitter = await startPolledTransmitter()
  t.teardown(() => transmitter.close())
  return transmitter
}

async function serverWith(
  t: Test,
  { url }: PolledTransmitter,
  { poll, feed, ...options }: Given = {},
) {
  const lines: unknown[] = []
  const logger = {
    warn: (details: object, message: string) => void lines.push([message, details]),
  }
  const server = await createResourceServer({
    ...(given() as ResourceServerOptions),
    securityEvents: {
      issuer: ISSUER,
      audience: STREAM,
      poll: { url, interval: 100, ...poll },
      ...feed,
    },
    logger,
    ...options,
  })
  t.teardown(() => server.close())
  return Object.assign(server, { lines })
}

/** Waits until the check succeeds. */
async function eventually(check: () => boolean): Promise<void> {
  for (let i = 0; i < 1_500 && !check(); i++) await delay(20)
}

t.test('Q1: receives events by long polling, and acknowledges them', async (t) => {
  const transmitter = await transmitterFor(t)
  const server = await serverWith(t, transmitter, { poll: { authorization: 'Bearer secret' } })
  const first = await transmitter.until(() => true)
  t.strictSame(first, {
    authorization: 'Bearer secret',
    contentType: 'application/json',
    body: { maxEvents: 100, returnImmediately: false },
  })
  transmitter.add({
    a: await eventToken(key, { jti: 'a' }),
    b: await eventToken(key, { jti: 'b' }),
  })
  const { body } = await transmitter.until(({ body }) => body.ack !== undefined)
  t.same(body.ack?.toSorted(), ['a', 'b'])
  await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
  transmitter.add({ c: await eventToken(key, { jti: 'c' }) })
  await transmitter.until(({ body }) => body.ack?.includes('c') === true)
  t.strictSame(transmitter.requests.at(-1)?.body.ack, ['c'], 'each is acknowledged once')
  t.match(server.securityEventStatus(), [
    { revoked: 3, lastPollAt: Number, lastPollError: undefined, lastEventAt: Number },
  ])
  t.strictSame(server.lines, [])
})

t.test('Q2: reports invalid tokens, and acknowledges the others', async (t) => {
  const transmitter = await transmitterFor(t)
  const server = await serverWith(t, transmitter)
  transmitter.add({
    valid: await eventToken(key),
    foreign: await eventToken(key, { aud: 'x' }),
    forged: await eventToken(await makeKey('ES256')),
    constructor: 'x',
  })
  const { body } = await transmitter.until(({ body }) => body.setErrs !== undefined)
  t.strictSame(body.ack, ['valid'])
  t.match(body.setErrs, {
    foreign: { err: 'invalid_audience', description: /not meant for this API/ },
    forged: { err: 'authentication_failed' },
    constructor: { err: 'invalid_request' },
  })
  t.match(server.statistics().securityEvents, { revoked: 1, rejected: 3 })
})

t.test('Q3: an event that did not reach the store is not acknowledged', async (t) => {
  const transmitter = await transmitterFor(t)
  const store = faultyStore()
  const server = await serverWith(t, transmitter, { stores: { revocations: store } })
  store.failing.add('mergeRevocations')
  const other = { events: { 'https://example.com/event': {} } }
  transmitter.add({ a: await eventToken(key), b: await eventToken(key, other) })
  await eventually(() => server.lines.length > 1)
  t.match(server.securityEventStatus(), [
    { failed: Number, lastPollError: /^The revocation is in force on this instance only/ },
  ])
  store.failing.clear()
  const { body } = await transmitter.until(({ body }) => body.ack !== undefined)
  t.strictSame(body.ack, ['b'], 'the other event was processed')
  await transmitter.until(({ body }) => body.ack?.includes('a') === true)
  t.match(server.securityEventStatus(), [{ revoked: 1, lastPollError: undefined }])
})

t.test('Q4: a failed poll is repeated after a pause, with the acknowledgements', async (t) => {
  const transmitter = await transmitterFor(t)
  const server = await serverWith(t, transmitter)
  transmitter.add({ a: await eventToken(key) })
  await transmitter.until(({ body }) => body.ack !== undefined)
  const before = transmitter.requests.length
  transmitter.respond = (response) => response.writeHead(500).end('secret-body')
  transmitter.add({ b: await eventToken(key) })
  await eventually(() => server.lines.length > 0)
  await delay(300)
  t.equal(transmitter.requests.length, before + 1, 'the back-off holds')
  t.match(server.lines, [
    [
      'polling for security events failed; events arrive late',
      { issuer: ISSUER, retryInMilliseconds: Number, err: { message: /responded with 500$/ } },
    ],
  ])
  t.match(server.securityEventStatus(), [{ lastPollError: /\/poll responded with 500$/ }])
  t.notMatch(JSON.stringify(server.securityEventStatus()), /secret/)
  transmitter.respond = undefined
  await transmitter.until(({ body }) => body.ack?.includes('b') === true)
  await eventually(() => server.securityEventStatus()[0]?.lastPollError === undefined)
  const [, ...later] = transmitter.requests.filter(({ body }) => body.ack?.includes('b'))
  t.strictSame(
    later.map(({ body }) => body.ack),
    [['b']],
    'acknowledged again after the failure',
  )
})

t.test('Q5: malformed responses are failures', async (t) => {
  for (const [body, message] of [
    ['x', /did not respond with a JSON object/],
    ['[]', /did not respond with a JSON object/],
    ['{}', /responded with invalid "sets"/],
    ['{"sets":[]}', /responded with invalid "sets"/],
    ['{"sets":{"a":1}}', /responded with invalid "sets"/],
    [`{"sets":{"a":"${'x'.repeat(40_000)}"}}`, /responded with more than 32768 bytes/],
  ] as const) {
    const transmitter = await transmitterFor(t)
    transmitter.respond = (response) => response.end(body)
    const server = await serverWith(t, transmitter, { poll: { maxEvents: 1 } })
    await eventually(() => server.lines.length > 0)
    t.match(server.securityEventStatus(), [{ lastPollError: message }])
    await server.close()
  }
})

t.test('Q6: redirects are not followed, and a closed connection is a failure', async (t) => {
  const target = await transmitterFor(t)
  const transmitter = await transmitterFor(t)
  transmitter.respond = (response) => response.writeHead(307, { location: target.url }).end()
  const server = await serverWith(t, transmitter)
  await eventually(() => server.lines.length > 0)
  t.match(server.securityEventStatus(), [{ lastPollError: /responded with 307/ }])
  t.equal(target.requests.length, 0)
  await server.close()
  transmitter.respond = (response) => response.destroy()
  const second = await serverWith(t, transmitter)
  await eventually(() => second.lines.length > 0)
  t.match(second.securityEventStatus(), [{ lastPollError: /\/poll sent no complete response: / }])
})

t.test(
  'Q7: a transmitter that returns acknowledged events again is polled at intervals',
  async (t) => {
    const transmitter = await transmitterFor(t)
    const token = await eventToken(key)
    transmitter.respond = (response) => response.end(JSON.stringify({ sets: { a: token } }))
    const server = await serverWith(t, transmitter, { poll: { interval: 200 } })
    await delay(900)
    t.ok(transmitter.requests.length >= 3 && transmitter.requests.length <= 7)
    t.match(server.statistics().securityEvents, { revoked: 1 })
  },
)

t.test('Q8: a function returns the credentials of each request', async (t) => {
  const transmitter = await transmitterFor(t)
  let calls = 0
  const authorization = async () => `Bearer ${++calls}`
  await serverWith(t, transmitter, { poll: { authorization } })
  transmitter.add({ a: await eventToken(key) })
  await transmitter.until(({ authorization }) => authorization === 'Bearer 2')
  for (const invalid of ['', 'x\n', undefined, {}]) {
    const other = await transmitterFor(t)
    const server = await serverWith(t, other, { poll: { authorization: () => invalid as never } })
    await eventually(() => server.lines.length > 0)
    t.match(server.lines, [['polling for security events failed; events arrive late']])
    t.equal(other.requests.length, 0)
    await server.close()
  }
})

t.test('Q9: a request that the transmitter holds for too long is repeated', async (t) => {
  const transmitter = await transmitterFor(t)
  const server = await serverWith(t, transmitter, { poll: { timeout: 1_000 } })
  await eventually(() => transmitter.requests.length > 1)
  t.ok(transmitter.requests.length > 1)
  t.strictSame(server.lines, [])
})

t.test('Q10: stops when the server is closed', async (t) => {
  const transmitter = await transmitterFor(t)
  const server = await serverWith(t, transmitter)
  await transmitter.until(() => true)
  await server.close()
  const pausing = await serverWith(t, transmitter, { poll: { interval: 3_600_000 } })
  transmitter.respond = (response) => response.end('{"sets":{}}')
  await eventually(() => pausing.securityEventStatus()[0]?.lastPollAt !== undefined)
  await pausing.close()
  const { length } = transmitter.requests
  await delay(300)
  t.equal(transmitter.requests.length, length)
  t.strictSame([...server.lines, ...pausing.lines], [])
})

t.test('Q10: tokens in processing while the server is closed are delivered again', async (t) => {
  const transmitter = await transmitterFor(t)
  let resolve = (_: undefined) => {}
  const resolving = new Promise<undefined>((done) => {
    resolve = done
  })
  let calls = 0
  const resolveSubject = () => {
    calls++
    return resolving
  }
  const server = await serverWith(t, transmitter, { feed: { resolveSubject } })
  const sub_id = { format: 'email', email: 'x' }
  const names = Array.from({ length: 30 }, (_, index) => `token-${index}`)
  const tokens = await Promise.all(
    names.map(async (jti) => [jti, await eventToken(key, { jti, sub_id })]),
  )
  transmitter.add(Object.fromEntries(tokens))
  await eventually(() => calls === 20)
  await delay(100)
  await server.close()
  resolve(undefined)
  await delay(100)
  t.equal(calls, 20, 'the tokens beyond those in processing are not processed')
  t.equal(transmitter.requests.length, 1, 'nothing is acknowledged')
  t.strictSame(server.lines, [])
})

t.test('Q11: two instances that poll share the events and their effects', async (t) => {
  const transmitter = await transmitterFor(t)
  const stores = { replay: memoryStore(), revocations: memoryStore() }
  const servers = [
    await serverWith(t, transmitter, { stores }),
    await serverWith(t, transmitter, { stores }),
  ]
  await eventually(() => transmitter.requests.length > 1)
  transmitter.add({ a: await eventToken(key) })
  await transmitter.until(({ body }) => body.ack !== undefined)
  await delay(200)
  for (const server of servers) {
    await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
  }
})

t.test('Q12: an event that always fails delays no other event', async (t) => {
  const transmitter = await transmitterFor(t)
  const resolveSubject = () => {
    throw new Error('no user secret@example.com')
  }
  const server = await serverWith(t, transmitter, { feed: { resolveSubject } })
  transmitter.add({ failing: await eventToken(key, { sub_id: { format: 'email', email: 'x' } }) })
  await eventually(() => server.securityEventStatus()[0]?.failed === 4)
  t.match(server.securityEventStatus(), [
    {
      failed: 4,
      lastPollAt: Number,
      lastPollError: 'The function "securityEvents.resolveSubject" failed',
    },
  ])
  t.equal(transmitter.requests.at(-1)?.body.maxEvents, 101, 'leaves room for another event')
  transmitter.add({ other: await eventToken(key) })
  await eventually(() => server.securityEventStatus()[0]?.revoked === 1)
  t.match(server.lines, [
    [
      'a polled security event could not be processed; it is requested again',
      { issuer: ISSUER, err: { cause: Error } },
    ],
  ])
  t.equal(server.lines.length, 1, 'logged once in 30 s')
})

t.test('Q12: an event that always fails does not prolong the pauses', async (t) => {
  const transmitter = await transmitterFor(t)
  transmitter.add({ failing: await eventToken(key) })
  const pauses: number[] = []
  const poller = new Poller({
    url: transmitter.url,
    authorization: undefined,
    interval: 100,
    maxEvents: 100,
    timeout: 60_000,
    issuer: ISSUER,
    events: {
      delivery: () => ({ isAuthenticated: true, receivedAt: 0 }),
      receive: () => Promise.reject(new Error('no store')),
    },
    onPolled: () => {},
    onFailure: () => t.fail('a request failed'),
    onEventFailure: (_error, pause) => pauses.push(pause),
  })
  poller.start()
  await eventually(() => pauses.length === 8)
  poller.close()
  t.ok(Math.max(...pauses) <= 100, `${pauses}`)
})

t.test('Q12: functions that never settle stop neither the feed nor its monitoring', async (t) => {
  const [events, requests] = [await transmitterFor(t), await transmitterFor(t)]
  const resolveSubject = () => new Promise<undefined>(() => {})
  const server = await serverWith(t, events, { feed: { resolveSubject } })
  const authorization = () => new Promise<string>(() => {})
  const unauthorized = await serverWith(t, requests, { poll: { authorization } })
  events.add({
    hanging: await eventToken(key, { sub_id: { format: 'email', email: 'x' } }),
    other: await eventToken(key),
  })
  await eventually(() => server.securityEventStatus()[0]?.revoked === 1)
  await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
  await delay(5_000)
  await eventually(() => server.lines.length > 0 && unauthorized.lines.length > 0)
  t.match(server.lines, [[/could not be processed/, { err: { cause: Error } }]])
  t.match(unauthorized.lines, [
    [
      /polling .* failed/,
      { err: { message: 'The function "securityEvents.poll.authorization" failed' } },
    ],
  ])
  await events.until(({ body }) => body.ack?.includes('other') === true)
})

t.test('Q12: an invalid event does not delay the next by a long interval', async (t) => {
  const transmitter = await transmitterFor(t)
  const server = await serverWith(t, transmitter, { poll: { interval: 3_600_000 } })
  transmitter.add({ invalid: 'x' })
  await eventually(() => server.securityEventStatus()[0]?.lastPollAt !== undefined)
  transmitter.add({ other: await eventToken(key) })
  await eventually(() => server.securityEventStatus()[0]?.revoked === 1)
  t.match(server.securityEventStatus(), [{ revoked: 1 }])
})

t.test('Q12: a response with more events than requested is processed in parts', async (t) => {
  const transmitter = await transmitterFor(t)
  await serverWith(t, transmitter, { poll: { maxEvents: 2 } })
  transmitter.add({
    a: await eventToken(key, { jti: 'a' }),
    b: await eventToken(key, { jti: 'b' }),
    c: await eventToken(key, { jti: 'c' }),
  })
  const { body } = await transmitter.until(({ body }) => body.ack !== undefined)
  t.strictSame((body.ack as string[]).toSorted(), ['a', 'b'])
  await transmitter.until(({ body }) => body.ack?.includes('c') === true)
})

t.test('names the option that is invalid', async (t) => {
  const url = 'https://login.example.com/poll'
  const invalid: [unknown, RegExp][] = [
    [null, /"poll" option must be an object with url/],
    [{}, /"poll.url" option must be the endpoint_url of the stream/],
    [{ url: 'http://login.example.com/poll' }, /"poll.url" option must be an https URL/],
    [{ url, authorization: '' }, /"poll.authorization" option must be the value of the header/],
    [{ url, authorization: ['x'] }, /"poll.authorization" option must be/],
    [{ url, authorization: 'x\ny' }, /"poll.authorization" option must be/],
    [{ url, interval: 99 }, /"poll.interval" option must be a whole number of milliseconds/],
    [{ url, maxEvents: 0 }, /"poll.maxEvents" option must be a whole number of events from 1/],
    [{ url, timeout: 999 }, /"poll.timeout" option must be/],
    [{ url, token: 'x' }, /Unknown option "token"/],
  ]
  for (const [poll, message] of invalid) {
    const creating = createResourceServer({
      ...(given() as ResourceServerOptions),
      securityEvents: { issuer: ISSUER, audience: STREAM, poll: poll as never },
    })
    await t.rejects(creating, { name: 'TypeError', message }, String(message))
  }
})
