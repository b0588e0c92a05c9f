/** An issuer that is down, slow, moved, or rejects our credentials (RFC 7662 §2.3). */
import t, { type Test } from 'tap'
import { IntrospectionUnavailableError, UnavailableError } from '../../src/errors/errors.js'
import { responseHeaders } from '../../src/errors/www-authenticate.js'
import {
  CLIENT,
  introspectorOf,
  type Overrides,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'
import {
  drip,
  endless,
  hang,
  hangInBody,
  json,
  type ResponseHandler,
  status,
  truncated,
} from '../fixtures/key-server.js'

const GOOD = { active: true, sub: 'user-1' }

async function start(t: Test, overrides: Overrides = {}) {
  const server = await startIntrospectionServer(t)
  for (const token of ['good', 'better']) server.state.tokens.set(token, GOOD)
  return { server, ...(await introspectorOf(t, server, overrides)) }
}

const LATE = /no complete response within 1000 ms$/

interface Outage {
  readonly respond: ResponseHandler
  readonly level?: 'error'
  readonly message: RegExp
  readonly timeout?: number
}

const OUTAGES: Record<string, Outage> = {
  'I3: a 401': { respond: status(401), level: 'error', message: /rejects our credentials/ },
  'I3: a 401 with a challenge': {
    respond: status(401, { 'www-authenticate': 'Basic realm="x"' }),
    level: 'error',
    message: /rejects our credentials/,
  },
  'I3: a 400 with invalid_client': {
    respond: (response) => response.writeHead(400).end('{"error":"invalid_client"}'),
    level: 'error',
    message: /rejects our credentials/,
  },
  'I3: a 403 with an OAuth error': {
    respond: (response) => response.writeHead(403).end('{"error":"access_denied"}'),
    level: 'error',
    message: /rejects our credentials/,
  },
  'a 404': { respond: status(404), message: /responded with 404/ },
  'a 502': { respond: status(502), message: /responded with 502/ },
  'a 503': { respond: status(503), message: /responded with 503/ },
  'a redirect': {
    respond: status(307, { location: '/elsewhere' }),
    message: /responded with 307 instead of 200/,
  },
  'a reset connection': {
    respond: (response) => void response.destroy(),
    message: /introspection request to .* failed: (?:ECONNRESET|UND_ERR_SOCKET)$/,
  },
  'a truncated response': {
    respond: truncated,
    message: /introspection request to .* failed: UND_ERR_SOCKET$/,
  },
  'no response': { respond: hang, message: LATE, timeout: 1_000 },
  'half a response': { respond: hangInBody, message: LATE, timeout: 1_000 },
  'a slow response': { respond: drip, message: LATE, timeout: 1_000 },
}

for (const [name, { respond: response, level = 'warn', message, timeout }] of Object.entries(
  OUTAGES,
)) {
  t.test(`${name} causes 503 for every token, and a pause`, async (t) => {
    const { server, introspector, clock, outcome, failures } = await start(t, {
      ...(timeout !== undefined && { timeout }),
    })
    server.state.instead = response
    const error = await Promise.resolve(introspector.introspect('good')).catch((error) => error)
    t.ok(error instanceof IntrospectionUnavailableError && error instanceof UnavailableError)
    t.match(error, { statusCode: 503, code: 'temporarily_unavailable', retryAfter: 1 })
    t.match(error.reason, { check: 'introspection-unavailable', found: message })
    t.same(responseHeaders(error, { realm: 'api', scope: '' }), { 'retry-after': '1' })
    t.equal(failures.length, 1)
    t.match(failures, [{ failure: { attributedTo: 'issuer', level, message } }])
    t.equal(await outcome('better'), 'unavailable')
    t.equal(
      server.introspections.length,
      2,
      'one for the token and one for a random token; none during the pause',
    )
    t.equal(failures.length, 1, 'and nothing is reported')

    server.state.instead = undefined
    clock.now += failures[0]?.retryIn ?? 0
    t.equal(await outcome('better'), 'active', 'it recovers after the pause')
  })
}

t.test('aborts an endless response, and attributes it to its token', async (t) => {
  const { server, outcome, failures } = await start(t)
  server.state.instead = endless
  t.equal(await outcome('good'), 'unavailable')
  t.match(failures, [
    { failure: { attributedTo: 'token', message: /responded with more than 65536 bytes/ } },
  ])
  await server.idle()
})

/** An issuer that confirmed two tokens, whose cached responses are no longer fresh. */
async function confirmed(t: Test, overrides: Overrides = {}) {
  const started = await start(t, { cacheMaxAge: 500, ...overrides })
  for (const token of ['good', 'better']) t.equal(await started.outcome(token), 'active')
  started.clock.now += 500
  return started
}

t.test('the pause grows with each failure, and Retry-After prolongs it', async (t) => {
  const { server, clock, introspector, outcome, failures } = await confirmed(t)
  server.state.instead = status(503)
  for (const longest of [1_000, 2_000, 4_000]) {
    t.equal(await outcome('other'), 'unavailable')
    const retryIn = failures.at(-1)?.retryIn ?? 0
    t.ok(retryIn >= longest / 2 && retryIn <= longest, `${retryIn}`)
    clock.now += retryIn
  }
  server.state.instead = status(503, { 'retry-after': '20' })
  const error = await Promise.resolve(introspector.introspect('good')).catch((error) => error)
  t.equal(failures.at(-1)?.retryIn, 20_000)
  t.equal(error.retryAfter, 20)
  clock.now += 19_999
  t.equal(await outcome('good'), 'unavailable')
  t.equal(
    server.introspections.length,
    2 + 4 + 4 + 4 + 3,
    'the failing token, a random one and the confirmed ones',
  )
})

t.test('Retry-After prolongs the pause to at most a minute', async (t) => {
  const { server, outcome, failures } = await confirmed(t)
  server.state.instead = status(503, { 'retry-after': '3600' })
  t.equal(await outcome('good'), 'unavailable')
  t.equal(failures.at(-1)?.retryIn, 60_000)
})

t.test(
  'before any token was confirmed, the pause is short and several tokens are tried',
  async (t) => {
    const { server, clock, outcome, failures } = await start(t)
    server.state.instead = status(503)
    for (let i = 0; i < 6; i++) {
      t.equal(await outcome(`token-${i}`), 'unavailable')
      const retryIn = failures.at(-1)?.retryIn ?? 0
      t.ok(retryIn >= 500 && retryIn <= 2_000, `${retryIn}`)
      clock.now += retryIn
    }
    // An issuer that responds like this to every unknown token.
    server.state.instead = undefined
    server.state.filter = (token) => (token === 'good' ? undefined : status(503))
    const forged = Array.from({ length: 9 }, (_, i) => outcome(`forged-${i}`))
    t.equal(await outcome('good'), 'active')
    await Promise.all(forged)
    t.equal(await outcome('better'), 'unavailable')
    t.equal(await outcome('good'), 'active')
  },
)

t.test('an unreachable issuer counts as down without a confirmed token', async (t) => {
  const endpoint = 'https://issuer.example/introspect'
  const fetch = () => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }))
  const { outcome, clock, failures } = await introspectorOf(
    t,
    { issuer: 'https://i' },
    { fetch, endpoint },
  )
  for (let i = 0; i < 6; i++) {
    t.equal(await outcome(`token-${i}`), 'unavailable')
    clock.now += failures.at(-1)?.retryIn ?? 0
  }
  t.equal(failures.length, 6)
  t.ok((failures.at(-1)?.retryIn ?? 0) >= 15_000)
})

t.test('failures of concurrent requests count as one outage', async (t) => {
  const { server, outcome, failures } = await start(t)
  const release = server.hold()
  server.state.instead = status(503)
  const outcomes = Array.from({ length: 30 }, (_, i) => outcome(`token-${i}`))
  while (server.introspections.length < 30) await new Promise((done) => setTimeout(done, 5))
  release()
  t.strictSame(new Set(await Promise.all(outcomes)), new Set(['unavailable']))
  t.equal(failures.length, 1)
  t.ok((failures[0]?.retryIn ?? 0) <= 1_000, 'the first pause')
})

t.test('a response to a request from before an outage does not end it', async (t) => {
  const { server, outcome } = await start(t)
  const release = server.hold()
  const slow = outcome('good')
  while (server.requestsFor('good') === 0) await new Promise((done) => setTimeout(done, 5))
  server.state.held = undefined
  server.state.instead = status(503)
  t.equal(await outcome('better'), 'unavailable')
  release()
  t.equal(await slow, 'active')
  t.equal(await outcome('other'), 'unavailable')
})

t.test('after the pause, one request probes recovery and the rest wait', async (t) => {
  const { server, clock, outcome, failures } = await confirmed(t)
  server.state.instead = status(503)
  await outcome('other')
  clock.now += failures[0]?.retryIn ?? 0
  const requested = server.introspections.length
  const again = ['third', 'fourth', 'fifth'].map(outcome)
  t.strictSame(await Promise.all(again), ['unavailable', 'unavailable', 'unavailable'])
  t.equal(server.introspections.length, requested + 4, 'the probe and the first request still fail')
  t.equal(failures.length, 2)

  clock.now += failures[1]?.retryIn ?? 0
  server.state.instead = undefined
  const recovered = ['good', 'better', 'other'].map(outcome)
  t.strictSame(await Promise.all(recovered), ['active', 'active', 'rejected'])
})

t.test('an issuer recovers although all confirmed tokens were revoked', async (t) => {
  const { server, clock, outcome, failures } = await confirmed(t)
  server.state.instead = status(503)
  t.equal(await outcome('good'), 'unavailable')
  clock.now += failures[0]?.retryIn ?? 0
  // The issuer is back, and responds with 401 for unknown tokens.
  server.state.instead = undefined
  server.state.filter = (token) => (token === 'new' ? undefined : status(401))
  server.state.tokens.set('new', GOOD)
  t.equal(await outcome('new'), 'active')
  t.equal(await outcome('new'), 'active')
})

t.test('staleIfError', async (t) => {
  t.test('serves stale responses without waiting while introspection fails', async (t) => {
    const { server, introspector, clock, outcome, failures } = await start(t, {
      cacheMaxAge: 1_000,
      staleIfError: 60_000,
    })
    const response = await introspector.introspect('good')
    server.state.instead = status(503)
    clock.now += 1_000
    t.equal(
      await introspector.introspect('good'),
      response,
      'the request that detects the outage waits',
    )
    t.equal(await outcome('better'), 'unavailable', 'a token that was never active is not served')
    t.equal(introspector.introspect('good'), response, 'immediately')
    clock.now += failures[0]?.retryIn ?? 0
    server.state.instead = undefined
    server.state.tokens.delete('good')
    t.equal(
      introspector.introspect('good'),
      response,
      'immediately, with an introspection in the background',
    )
    while (server.requestsFor('good') < 3) await new Promise((done) => setTimeout(done, 5))
    await new Promise((done) => setTimeout(done, 20))
    t.equal(introspector.introspect('good'), undefined, 'revoked')
  })

  t.test('ends after staleIfError', async (t) => {
    const { server, clock, outcome } = await start(t, { cacheMaxAge: 1_000, staleIfError: 5_000 })
    await outcome('good')
    server.state.instead = status(503)
    clock.now += 5_999
    t.equal(await outcome('good'), 'active')
    clock.now += 1
    t.equal(await outcome('good'), 'unavailable')
  })

  t.test('is off by default', async (t) => {
    const { server, clock, outcome } = await start(t, { cacheMaxAge: 1_000 })
    await outcome('good')
    server.state.instead = status(503)
    clock.now += 1_000
    t.equal(await outcome('good'), 'unavailable')
  })

  t.test('applies to a token for which the issuer fails', async (t) => {
    const { server, introspector, clock } = await start(t, {
      cacheMaxAge: 1_000,
      staleIfError: 60_000,
    })
    const response = await introspector.introspect('good')
    server.state.instead = status(500)
    clock.now += 1_000
    t.equal(await introspector.introspect('good'), response)
    t.equal(introspector.introspect('good'), response)
    t.equal(server.requestsFor('good'), 2)
  })
})

t.test('metadata', async (t) => {
  t.test('is fetched once for concurrent requests', async (t) => {
    const { server, outcome } = await start(t)
    await Promise.all(['a', 'b', 'c'].map(outcome))
    t.equal(server.count(server.metadataPath), 1)
    await outcome('d')
    t.equal(server.count(server.metadataPath), 1)
  })

  t.test('without an introspection endpoint causes a 503 that says so', async (t) => {
    const { server, outcome, failures } = await start(t)
    server.respond(server.metadataPath, json({ issuer: server.issuer, jwks_uri: server.jwksUri }))
    t.equal(await outcome('good'), 'unavailable')
    t.match(failures, [
      { failure: { attributedTo: 'issuer', message: /has no "introspection_endpoint"/ } },
    ])
  })

  t.test('with an insecure endpoint is rejected', async (t) => {
    const { server, outcome, failures } = await start(t)
    const unsafe = {
      ...server.metadata,
      introspection_endpoint: 'http://issuer.example/introspect',
    }
    server.respond(server.metadataPath, json(unsafe))
    t.equal(await outcome('good'), 'unavailable')
    t.match(failures, [{ failure: { message: /that is not an https URL/ } }])
  })

  t.test('is fetched again after a failure, to find an endpoint that moved', async (t) => {
    const { server, clock, outcome, failures } = await start(t)
    t.equal(await outcome('good'), 'active')
    server.respond('/moved', json(GOOD))
    server.respond(
      server.metadataPath,
      json({ ...server.metadata, introspection_endpoint: `${server.origin}/moved` }),
    )
    server.state.instead = status(404)
    t.equal(await outcome('better'), 'unavailable')
    clock.now += failures[0]?.retryIn ?? 0
    t.equal(await outcome('better'), 'active')
    t.equal(server.requests.at(-1), '/moved')
  })

  t.test('that fails or stalls leaves the endpoint unchanged', async (t) => {
    const { server, clock, outcome, failures } = await start(t, { timeout: 4_000 })
    t.equal(await outcome('good'), 'active')
    for (const response of [status(500), hang]) {
      server.respond(server.metadataPath, response)
      server.state.instead = status(503)
      t.equal(await outcome('other'), 'unavailable')
      clock.now += failures.at(-1)?.retryIn ?? 0
      server.state.instead = undefined
      t.equal(await outcome('other'), 'rejected')
      clock.now += 5_000
    }
  })
})

t.test('plain http beyond loopback', async (t) => {
  const endpoint = 'http://issuer.example/introspect'
  const seen: string[] = []
  const fetch = async (url: string) => {
    seen.push(url)
    const found = url.endsWith('introspect') ? GOOD : { issuer, introspection_endpoint: endpoint }
    return Response.json(found)
  }
  const issuer = 'https://issuer.example'
  const strict = await introspectorOf(t, { issuer }, { fetch })
  t.equal(await strict.outcome('good'), 'unavailable')
  t.notOk(seen.includes(endpoint), 'is not used')
  const lax = await introspectorOf(t, { issuer }, { fetch, allowHttp: true })
  t.equal(await lax.outcome('good'), 'active', 'unless it is allowed')
})

t.test('a fetch that ignores its signal', async (t) => {
  t.test('blocks no request, and occupies no slot', async (t) => {
    // The timer of the deadline does not keep the process alive.
    const alive = setInterval(() => {}, 1_000)
    t.teardown(() => clearInterval(alive))
    const never = () => new Promise<never>(() => {})
    const endpoint = 'https://issuer.example/introspect'
    const options = { fetch: never, endpoint, timeout: 100 }
    const { outcome, clock, failures } = await introspectorOf(t, { issuer: 'https://i' }, options)
    for (let i = 0; i < 3; i++) {
      t.equal(await outcome('good'), 'unavailable')
      clock.now += failures.at(-1)?.retryIn ?? 0
    }
    t.equal(failures.length, 3)
  })
})

t.test('B10: passes on no error of fetch, which may contain the request', async (t) => {
  const endpoint = 'https://issuer.example/introspect'
  for (const [thrown, reason] of [
    [new Error('oops'), 'no response'],
    ['text', 'no response'],
    [Object.assign(new Error('oops'), { code: 'a token: T0K3N' }), 'no response'],
    [new TypeError('failed', { cause: { code: 'ECONNREFUSED' } }), 'no response'],
    [new TypeError('x', { cause: Object.assign(new Error(), { code: 'ENOTFOUND' }) }), 'ENOTFOUND'],
  ] as const) {
    const fetch = async (_url: string, init: object): Promise<Response> => {
      if (thrown instanceof Error) Object.assign(thrown, { request: init })
      if (thrown instanceof Error) thrown.message += ` ${JSON.stringify(init)} T0K3N`
      throw thrown
    }
    const options = { fetch, endpoint }
    const { introspector, failures } = await introspectorOf(t, { issuer: 'https://i' }, options)
    const error = await Promise.resolve(introspector.introspect('T0K3N')).catch((error) => error)
    t.match(failures, [
      { failure: { message: new RegExp(`introspection request to .* failed: ${reason}$`) } },
    ])
    t.equal(failures[0]?.failure.cause, undefined)
    const shown = JSON.stringify([error, error.cause, failures]) + error.stack + error.cause.stack
    t.notMatch(shown, /T0K3N/)
    t.notMatch(shown, CLIENT.clientSecret)
    t.notMatch(shown, /Basic [\w=]/)
  }
})

t.test('messages omit the query of an endpoint', async (t) => {
  const { server } = await start(t)
  const endpoint = `${server.endpoint}?key=T0P`
  server.respond('/introspect?key=T0P', status(503))
  const { outcome, failures } = await introspectorOf(t, server, { endpoint })
  t.equal(await outcome('good'), 'unavailable')
  t.match(failures[0]?.failure.message, `${server.endpoint} responded with 503`)
  t.notMatch(failures[0]?.failure.message, 'T0P')
})

t.test('close() ends requests in flight and queued ones, and sends no more', async (t) => {
  const { server, introspector, outcome, failures } = await start(t)
  server.hold()
  const waiting = Array.from({ length: 60 }, (_, i) => outcome(`token-${i}`))
  while (server.introspections.length < 40) await new Promise((done) => setTimeout(done, 5))
  introspector.close()
  t.strictSame(new Set(await Promise.all(waiting)), new Set(['unavailable']))
  await server.idle()
  t.equal(await outcome('good'), 'unavailable')
  t.equal(server.introspections.length, 40)
  t.equal(failures.length, 0, 'nothing failed')
})
