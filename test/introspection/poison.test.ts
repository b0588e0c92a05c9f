/** A forged token at which a middlebox in front of the issuer fails affects no other token. */
import t, { type Test } from 'tap'
import {
  introspectorOf,
  type Overrides,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'
import { hang, json, type ResponseHandler, status, truncated } from '../fixtures/key-server.js'

const reset: ResponseHandler = (response) => void response.destroy()
const isPoison = (token: string) => token.startsWith('poison')

async function start(t: Test, response: ResponseHandler, overrides: Overrides = {}) {
  const server = await startIntrospectionServer(t)
  for (const token of ['good', 'better']) server.state.tokens.set(token, { active: true })
  server.state.filter = (token) => (isPoison(token) ? response : undefined)
  /** Requests for tokens that no caller sent (probes). */
  const controls = () =>
    server.introspections.filter(({ form }) => /^[\w-]{43}$/.test(form.get('token') ?? '')).length
  return { server, controls, ...(await introspectorOf(t, server, overrides)) }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 5))
}

const WAYS: Record<string, ResponseHandler> = {
  'resets the connection': reset,
  'truncates its response': truncated,
  stalls: hang,
  'responds with 404': status(404),
  'responds with 405': status(405),
  'responds with 502': status(502),
  'responds with 503 and Retry-After': status(503, { 'retry-after': '60' }),
  'responds with 504': status(504),
  'redirects to an error page': status(302, { location: '/blocked' }),
}

for (const [name, response] of Object.entries(WAYS)) {
  t.test(`a token at which a filter ${name} causes 503 for itself only`, async (t) => {
    const timeout = response === hang ? 1_000 : 20_000
    const { server, clock, controls, outcome, introspector, failures } = await start(t, response, {
      timeout,
    })
    for (let round = 1; round <= 3; round++) {
      const error = await Promise.resolve(introspector.introspect('poison')).catch((error) => error)
      t.match(error, { statusCode: 503, retryAfter: 1 })
      t.equal(await outcome('poison'), 'unavailable')
      t.equal(server.requestsFor('poison'), round, 'not introspected again immediately')
      t.equal(await outcome(`untrusted-${round}`), 'rejected', 'no pause')
      t.equal(controls(), round)
      clock.now += 1_000
    }
    t.equal(await outcome('good'), 'active')
    t.equal(failures.length, 3)
    t.match(failures, [
      {
        failure: { attributedTo: 'token', level: 'warn', message: /responds to other tokens/ },
        retryIn: 0,
      },
    ])
  })
}

t.test('a flood of such tokens adds one probe a second', async (t) => {
  const { server, clock, controls, outcome } = await start(t, reset)
  const flood = (round: number) =>
    Promise.all(Array.from({ length: 100 }, (_, i) => outcome(`poison-${round}-${i}`)))
  for (const round of [1, 2]) {
    t.strictSame(new Set(await flood(round)), new Set(['unavailable']))
    t.strictSame(new Set(await flood(round + 10)), new Set(['unavailable']))
    t.equal(controls(), round)
    t.equal(server.introspections.length, round * 201)
    clock.now += 1_000
  }
  t.equal(await outcome('good'), 'active')
})

t.test('an outage is noticed', async (t) => {
  t.test('by a confirmed token and a probe', async (t) => {
    const { server, clock, controls, outcome, failures } = await start(t, reset, {
      cacheMaxAge: 500,
    })
    t.equal(await outcome('good'), 'active')
    t.equal(await outcome('poison'), 'unavailable')
    server.state.instead = status(503)
    t.equal(await outcome('untrusted'), 'unavailable')
    t.match(failures, [{ failure: { attributedTo: 'token' } }], 'by no token within a second')
    clock.now += 1_000
    t.equal(await outcome('good'), 'unavailable')
    t.match(failures.at(-1), {
      failure: { attributedTo: 'issuer', message: /responded with 503$/ },
    })
    t.ok((failures.at(-1)?.retryIn ?? 0) > 0)
    const requested = server.introspections.length
    t.equal(await outcome('better'), 'unavailable')
    t.equal(server.introspections.length, requested, 'and no request is sent')
    t.equal(controls(), 2)
  })

  t.test('by an untrusted token a second later', async (t) => {
    const { server, clock, controls, outcome, failures } = await start(t, reset)
    await outcome('poison')
    server.state.instead = status(503)
    clock.now += 1_000
    t.equal(await outcome('untrusted'), 'unavailable')
    t.match(failures.at(-1), { failure: { attributedTo: 'issuer' } })
    t.equal(controls(), 2)
  })

  t.test('I3: even if our credentials are rejected', async (t) => {
    const { server, outcome, failures } = await start(t, reset)
    server.state.instead = status(401)
    t.equal(await outcome('poison'), 'unavailable')
    t.match(failures, [
      { failure: { attributedTo: 'issuer', level: 'error', message: /credentials/ } },
    ])
  })

  t.test('while a probe is in flight', async (t) => {
    const { server, clock, controls, outcome, failures } = await start(t, reset, {
      cacheMaxAge: 500,
    })
    await outcome('good')
    clock.now += 500
    let respondToProbe = () => {}
    server.state.filter = (token) => {
      if (isPoison(token)) return reset
      if (token === 'good') return status(503)
      return (response, request) => {
        respondToProbe = () => json({ active: false })(response, request)
      }
    }
    const poisoned = outcome('poison')
    await until(() => controls() === 1)
    t.equal(await outcome('good'), 'unavailable')
    respondToProbe()
    t.equal(await poisoned, 'unavailable')
    const requested = server.introspections.length
    t.equal(await outcome('better'), 'unavailable')
    t.equal(
      server.introspections.length,
      requested,
      'a response to an earlier request does not end the outage',
    )
    t.equal(failures.length, 1)
  })
})

t.test('an error response to a probe shows that the issuer responds', async (t) => {
  const { server, outcome, failures } = await start(t, reset)
  server.state.filter = (token) => (isPoison(token) ? reset : status(500))
  t.equal(await outcome('poison'), 'unavailable')
  t.match(failures, [{ failure: { attributedTo: 'token' }, retryIn: 0 }])
  server.state.filter = () => undefined
  t.equal(await outcome('good'), 'active')
})

t.test('a stalled token does not prevent recovery', async (t) => {
  const { server, clock, controls, outcome, failures } = await start(t, hang, {
    timeout: 60_000,
    cacheMaxAge: 500,
  })
  for (const token of ['good', 'better']) await outcome(token)
  clock.now += 500
  server.state.instead = status(503)
  t.equal(await outcome('untrusted'), 'unavailable')
  clock.now += failures[0]?.retryIn ?? 0
  server.state.instead = undefined
  const release = server.hold()
  outcome('poison').catch(() => {})
  await until(() => controls() === 2)
  const waiting = ['good', 'better'].map(outcome)
  t.equal(server.requestsFor('poison'), 0, 'a random token is introspected first')
  release()
  t.strictSame(
    await Promise.all(waiting),
    ['active', 'active'],
    'neither token waits for the other',
  )
})

t.test('a failing recheck causes no pause', async (t) => {
  const { server, outcome, introspector, failures } = await start(t, reset, { mode: 'recheck' })
  introspector.recheckOf('poison.jwt.signature').check()
  await until(() => failures.length === 1)
  t.match(failures, [{ failure: { attributedTo: 'token' }, retryIn: 0 }])
  t.equal(await outcome('good'), 'active')
  t.equal(server.introspections.length, 3)
})

t.test('close() ends a probe without a report', async (t) => {
  const { server, controls, outcome, introspector, failures } = await start(t, reset)
  server.state.filter = (token) => (isPoison(token) ? reset : hang)
  const poisoned = outcome('poison')
  await until(() => controls() === 1)
  introspector.close()
  t.equal(await poisoned, 'unavailable')
  t.equal(failures.length, 0)
})

t.test('close() ends the probe after a pause, and the token is not sent', async (t) => {
  const { server, clock, controls, outcome, introspector, failures } = await start(t, reset, {
    cacheMaxAge: 500,
  })
  for (const token of ['good', 'better']) await outcome(token)
  clock.now += 500
  server.state.instead = status(503)
  t.equal(await outcome('untrusted'), 'unavailable')
  clock.now += failures[0]?.retryIn ?? 0
  server.hold()
  const waiting = outcome('late')
  await until(() => controls() === 2)
  introspector.close()
  t.equal(await waiting, 'unavailable')
  t.equal(server.requestsFor('late'), 0)
  t.equal(failures.length, 1)
})
