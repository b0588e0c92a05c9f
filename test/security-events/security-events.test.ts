/** What a security event revokes, once, also while stores or keys are unavailable. */
import t, { type Test } from 'tap'
import {
  createResourceServer,
  InvalidTokenError,
  memoryStore,
  onDiagnostics,
  type ResourceServerOptions,
  type SecurityEventFeed,
  type SubjectResolver,
} from '../../src/index.js'
import { faultyStore } from '../fixtures/faulty-store.js'
import { ISSUER, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { CLIENT_ID, logoutToken } from '../fixtures/logout-tokens.js'
import { given, key, tokenOf } from '../fixtures/protected-api.js'
import { CAEP, eventToken, RISC, SESSION, SSF, STREAM, USER } from '../fixtures/security-events.js'

const REVOKED = { name: 'InvalidTokenError', check: 'revocation' }
const OTHER = 'https://other.example'
const other = await makeKey('ES256', 'other')

interface Given extends Partial<ResourceServerOptions> {
  readonly feed?: Partial<SecurityEventFeed>
}

async function serverWith(t: Test, { feed, ...options }: Given = {}) {
  const server = await createResourceServer({
    ...(given() as ResourceServerOptions),
    securityEvents: { issuer: ISSUER, audience: STREAM, ...feed },
    ...options,
  })
  t.teardown(() => server.close())
  return server
}

const twoIssuers = {
  jwks: {},
  issuer: [
    { issuer: ISSUER, jwks: { keys: [key.publicJwk] } },
    { issuer: OTHER, jwks: { keys: [other.publicJwk] } },
  ],
} as Given

/** Returns a rejection as a pattern for `t.rejects`. */
const by = (check: string) => ({ name: 'InvalidTokenError', check })

t.test('a session that was revoked ends, also for tokens issued slightly later', async (t) => {
  const server = await serverWith(t, { clockTolerance: 2 })
  const iat = seconds() - 5
  const event = await server.receive(await eventToken(key, { iat, jti: 'j', txn: 'x' }))
  t.strictSame(event, {
    issuer: ISSUER,
    id: 'j',
    type: `${CAEP}session-revoked`,
    subject: { format: 'complex', user: USER, session: SESSION },
    payload: {},
    issuedAt: iat,
    occurredAt: iat,
    transactionId: 'x',
    outcome: 'revoked',
    revoked: 'session',
  })
  t.throws(() => Object.assign(event.subject as object, { user: 'x' }), TypeError)
  await t.rejects(server.verify(await tokenOf({ iat: iat + 2, sid: 'session-1' })), REVOKED)
  await server.verify(await tokenOf({ iat: iat + 3, sid: 'session-1' }))
  await server.verify(await tokenOf({ iat, sid: 'session-2' }))
  await server.verify(await tokenOf({ iat }))
})

t.test('an event about a user covers the tokens issued up to its time', async (t) => {
  const time = seconds() - 100
  for (const [event, members] of [
    [`${CAEP}session-revoked`, {}],
    [`${CAEP}credential-change`, { change_type: 'update' }],
    [`${CAEP}token-claims-change`, { claims: { role: 'x' } }],
    [`${CAEP}assurance-level-change`, { change_direction: 'decrease' }],
    [`${CAEP}assurance-level-change`, {}],
    [`${RISC}account-disabled`, { reason: 'hijacking' }],
    [`${RISC}account-purged`, {}],
    [`${RISC}sessions-revoked`, {}],
  ] as const) {
    const server = await serverWith(t)
    const events = { [event]: { ...members, event_timestamp: time + 0.5 } }
    const { outcome, revoked } = await server.receive(
      await eventToken(key, { events, sub_id: USER }),
    )
    t.strictSame([outcome, revoked], ['revoked', 'user'], event)
    await t.rejects(server.verify(await tokenOf({ iat: time })), REVOKED)
    await server.verify(await tokenOf({ iat: time + 1 }))
    await server.verify(await tokenOf({ iat: time, sub: 'user-2' }))
  }
})

t.test('a time in milliseconds revokes no token that is issued after the event', async (t) => {
  const server = await serverWith(t)
  const iat = seconds() - 1
  for (const event_timestamp of [Date.now(), seconds() + 1_000]) {
    const events = { [`${RISC}account-disabled`]: { event_timestamp } }
    await server.receive(await eventToken(key, { iat, events, sub_id: USER }))
  }
  await t.rejects(server.verify(await tokenOf({ iat })), REVOKED)
  await server.verify(await tokenOf({ iat: iat + 1 }))
})

t.test('revokes one token by its jti', async (t) => {
  const server = await serverWith(t)
  const sub_id = { format: 'jwt_id', iss: ISSUER, jti: 'token-1' }
  t.match(await server.receive(await eventToken(key, { sub_id })), { revoked: 'token' })
  await t.rejects(server.verify(await tokenOf()), REVOKED)
  await server.verify(await tokenOf({ jti: 'token-2' }))
})

t.test('other events are acknowledged and revoke nothing', async (t) => {
  const server = await serverWith(t)
  for (const [event, members] of [
    [`${CAEP}assurance-level-change`, { change_direction: 'increase' }],
    [`${CAEP}device-compliance-change`, {}],
    [`${RISC}account-enabled`, {}],
    ['https://schemas.okta.com/secevent/okta/event-type/user-risk-change', {}],
    ['constructor', {}],
    [`${SSF}verification`, { state: 'x' }],
  ] as const) {
    const sub_id = event.startsWith(SSF) ? { format: 'opaque', id: 'stream-1' } : USER
    const token = await eventToken(key, { events: { [event]: members }, sub_id })
    t.match(await server.receive(token), { outcome: 'ignored', revoked: undefined, type: event })
  }
  await server.verify(await tokenOf())
  t.match(server.statistics().securityEvents, { ignored: 6, revoked: 0 })
})

t.test('the option effects changes what events do', async (t) => {
  const risk = 'https://schemas.okta.com/secevent/okta/event-type/user-risk-change'
  const effects = {
    [risk]: 'revoke',
    [`${CAEP}session-revoked`]: 'none',
    [`${CAEP}assurance-level-change`]: 'revoke',
    [`${SSF}verification`]: 'revoke',
  } as const
  const server = await serverWith(t, { feed: { effects } })
  const outcomeOf = async (event: string, members = {}) =>
    (await server.receive(await eventToken(key, { events: { [event]: members }, sub_id: USER })))
      .outcome
  t.equal(await outcomeOf(`${CAEP}session-revoked`), 'ignored')
  t.equal(await outcomeOf(`${SSF}verification`), 'ignored', 'it is about the stream')
  await server.verify(await tokenOf())
  t.equal(
    await outcomeOf(`${CAEP}assurance-level-change`, { change_direction: 'increase' }),
    'revoked',
  )
  t.equal(await outcomeOf(risk), 'revoked')
  await t.rejects(server.verify(await tokenOf({ iat: seconds() - 5 })), REVOKED)
})

t.test('a transmitter revokes only tokens of its token issuers', async (t) => {
  const server = await serverWith(t, twoIssuers)
  const hers = { format: 'iss_sub', iss: OTHER, sub: 'user-1' }
  for (const sub_id of [hers, { format: 'complex', user: hers }]) {
    t.match(await server.receive(await eventToken(key, { sub_id })), { outcome: 'unmapped' })
  }
  const jwt = { format: 'jwt_id', iss: OTHER, jti: 'token-1' }
  t.match(await server.receive(await eventToken(key, { sub_id: jwt })), { outcome: 'unmapped' })
  await server.receive(await eventToken(key, { sub_id: { format: 'complex', session: SESSION } }))
  await server.verify(await sign(other, { iss: OTHER, sid: 'session-1' }))
  await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
  await server.receive(
    await eventToken(key, { sub_id: { format: 'jwt_id', iss: ISSUER, jti: 'token-2' } }),
  )
  await server.verify(await sign(other, { iss: OTHER, jti: 'token-2' }))
  t.match(server.statistics().securityEvents, { unmapped: 3, revoked: 2 })
})

t.test('a transmitter with another identifier names its token issuers', async (t) => {
  const securityEvents = {
    issuer: 'https://signals.example',
    audience: STREAM,
    jwks: { keys: [other.publicJwk] },
    tokenIssuers: ISSUER,
  }
  const server = await serverWith(t, { securityEvents })
  const iss = securityEvents.issuer
  t.match(await server.receive(await eventToken(other, { iss })), { revoked: 'session' })
  await t.rejects(server.receive(await eventToken(key, { iss })), by('key'))
  await t.rejects(server.receive(await eventToken(key)), by('issuer'))
  await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
})

t.test('the application resolves other subjects', async (t) => {
  const calls: unknown[] = []
  const resolveSubject: SubjectResolver = async (subject, eventType) => {
    calls.push([subject, eventType])
    if (subject.format === 'email') return { sub: 'user-1' }
    if (subject.format === 'opaque') return { issuer: ISSUER, sid: 'session-1' }
    return subject.format === 'uri' ? null : undefined
  }
  const server = await serverWith(t, { feed: { resolveSubject } })
  const receive = async (sub_id: unknown) => {
    const { outcome, revoked } = await server.receive(await eventToken(key, { sub_id }))
    return [outcome, revoked]
  }
  const email = { format: 'email', email: 'a@example.com' }
  t.strictSame(await receive(USER), ['revoked', 'user'])
  t.strictSame(calls, [], 'not called for a subject that names a user')
  t.strictSame(await receive(email), ['revoked', 'user'])
  t.strictSame(calls, [[email, `${CAEP}session-revoked`]])
  t.strictSame(await receive(SESSION), ['revoked', 'session'])
  t.strictSame(await receive({ format: 'uri', uri: 'x' }), ['unmapped', undefined])
  t.strictSame(await receive({ format: 'complex', user: email }), ['unmapped', undefined])
})

t.test(
  'an invalid result of resolveSubject revokes nothing and is no acknowledgement',
  async (t) => {
    const email = { format: 'email', email: 'a@example.com' }
    const wrong: unknown[] = [
      true,
      'user-1',
      [],
      {},
      { sub: '' },
      { sub: 1 },
      { sub: 'user-1', sid: 'session-1' },
      { issuer: ISSUER },
      { sub: 'user-1', issuer: OTHER },
      { sub: 'user-1', issuer: null },
      Object.create({ sub: 'user-1' }),
      new (class {
        sub = 'user-1'
      })(),
    ]
    for (const result of wrong) {
      const server = await serverWith(t, { feed: { resolveSubject: () => result as never } })
      await t.rejects(server.receive(await eventToken(key, { sub_id: email })), {
        name: 'TypeError',
        message: /^the function "securityEvents.resolveSubject" must return/,
      })
      await server.verify(await tokenOf())
      t.match(server.securityEventStatus(), [{ failed: 1, lastFailure: 'error' }])
    }
    const throwing = await serverWith(t, {
      feed: {
        resolveSubject: () => {
          throw new Error('secret-connection-string')
        },
      },
    })
    await t.rejects(throwing.receive(await eventToken(key, { sub_id: email })), {
      message: 'The function "securityEvents.resolveSubject" failed',
      cause: { message: 'secret-connection-string' },
    })
    const rejecting = await serverWith(t, {
      feed: {
        resolveSubject: () => {
          throw new InvalidTokenError('The tenant is suspended', { check: 'policy' })
        },
      },
    })
    await t.rejects(rejecting.receive(await eventToken(key, { sub_id: email })), {
      message: 'The tenant is suspended',
    })
    const two = await serverWith(t, {
      ...twoIssuers,
      securityEvents: {
        issuer: ISSUER,
        audience: STREAM,
        tokenIssuers: [ISSUER, OTHER],
        resolveSubject: () => ({ sub: 'user-1' }),
      },
    })
    await t.rejects(two.receive(await eventToken(key, { sub_id: email })), /one of tokenIssuers/)
  },
)

t.test(
  'an access token that resolveSubject rejects is no reason to reject the event',
  async (t) => {
    const thrown = new InvalidTokenError('The access token expired', { check: 'expiry' })
    const resolveSubject = () => Promise.reject(thrown)
    const server = await serverWith(t, { feed: { resolveSubject } })
    const token = await eventToken(key, { sub_id: { format: 'email', email: 'x' } })
    await t.rejects(server.receive(token), {
      name: 'Error',
      message: 'The function "securityEvents.resolveSubject" failed',
      cause: { cause: thrown },
    })
    t.match(server.statistics().securityEvents, { rejected: 0, failed: 1 })
  },
)

t.test('an event that revokes needs a subject', async (t) => {
  const server = await serverWith(t)
  await t.rejects(server.receive(await eventToken(key, { sub_id: undefined })), {
    check: 'claims',
    message: 'A claim of the security event token is missing or malformed',
    expected: '"sub_id"',
  })
  const events = { [`${CAEP}session-revoked`]: { subject: { user: USER } } }
  const legacy = await eventToken(key, { sub_id: undefined, events })
  t.match(await server.receive(legacy), { revoked: 'user' })
})

t.test('a token that is received again has no effect again', async (t) => {
  let calls = 0
  const resolveSubject = () => {
    calls++
    return { sub: 'user-1' }
  }
  const stores = { replay: memoryStore(), revocations: memoryStore() }
  for (const [first, second] of [
    [await serverWith(t, { feed: { resolveSubject } })],
    [
      await serverWith(t, { stores, feed: { resolveSubject } }),
      await serverWith(t, { stores, feed: { resolveSubject } }),
    ],
  ]) {
    const token = await eventToken(key, { sub_id: { format: 'email', email: 'x' }, jti: 'j' })
    t.match(await first?.receive(token), { outcome: 'revoked' })
    const again = second ?? first
    t.match(await again?.receive(token), { outcome: 'duplicate', revoked: undefined })
    t.match(again?.statistics().securityEvents, { duplicates: 1 })
  }
  t.equal(calls, 2)
})

t.test('two instances that receive a token at the same time both acknowledge it', async (t) => {
  const stores = { replay: memoryStore(), revocations: memoryStore() }
  const [one, two] = [await serverWith(t, { stores }), await serverWith(t, { stores })]
  const token = await eventToken(key)
  const events = await Promise.all([one.receive(token), two.receive(token)])
  t.ok(events.some(({ outcome }) => outcome === 'revoked'))
  await new Promise((resolve) => setTimeout(resolve, 200))
  for (const server of [one, two]) {
    await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
  }
})

t.test('the same jti of another event or subject loses no revocation', async (t) => {
  const server = await serverWith(t)
  const jti = 'j'
  const other = { events: { 'https://example.com/event': {} } }
  t.match(await server.receive(await eventToken(key, { jti, ...other })), { outcome: 'ignored' })
  const sub_id = { ...USER, sub: 'user-2' }
  t.match(await server.receive(await eventToken(key, { jti, sub_id })), { outcome: 'revoked' })
  const token = await eventToken(key, { jti })
  t.match(await server.receive(token), { outcome: 'revoked' })
  t.match(await server.receive(token), { outcome: 'duplicate' })
  await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
})

t.test('instances that share no revocations each process a token', async (t) => {
  const stores = { replay: memoryStore() }
  const [one, two] = [await serverWith(t, { stores }), await serverWith(t, { stores })]
  const token = await eventToken(key)
  await one.receive(token)
  t.match(await two.receive(token), { outcome: 'revoked' })
  await t.rejects(two.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
  t.match(await two.receive(token), { outcome: 'duplicate' })
})

t.test('a store that never settles a look-up stops no revocation', async (t) => {
  const store = Object.assign(faultyStore(), { callTimeout: 50 })
  const server = await serverWith(t, { stores: { replay: store, revocations: memoryStore() } })
  store.hanging.add('get').add('set')
  await t.rejects(server.receive(await eventToken(key)), { name: 'StoreUnavailableError' })
  await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
})

t.test('the same jti of two transmitters are different tokens', async (t) => {
  const feeds = [ISSUER, OTHER].map((issuer) => ({ issuer, audience: STREAM }))
  const server = await serverWith(t, { ...twoIssuers, securityEvents: feeds })
  t.match(await server.receive(await eventToken(key, { jti: 'j' })), { outcome: 'revoked' })
  const sub_id = { ...USER, iss: OTHER }
  const second = await eventToken(other, { iss: OTHER, jti: 'j', sub_id })
  t.match(await server.receive(second), { outcome: 'revoked', issuer: OTHER })
  await t.rejects(server.receive(await eventToken(other)), by('key'))
  t.match(server.securityEventStatus(), [
    { issuer: ISSUER, revoked: 1, rejected: 1, lastFailure: 'key' },
    { issuer: OTHER, revoked: 1, rejected: 0, lastFailure: undefined },
  ])
})

t.test('forgets a token after an hour, and the effect is the same', async (t) => {
  let now = Date.now()
  const server = await serverWith(t, { now: () => now })
  const token = await eventToken(key)
  await server.receive(token)
  now += 3_599_000
  t.match(await server.receive(token), { outcome: 'duplicate' })
  now += 2_000
  t.match(await server.receive(token), { outcome: 'revoked' })
  await server.verify(
    await tokenOf({ iat: seconds(now), exp: seconds(now) + 60, sid: 'session-1' }),
  )
})

t.test('never acknowledges an event that did not reach the store', async (t) => {
  for (const [use, method] of [
    ['revocations', 'mergeRevocations'],
    ['replay', 'get'],
    ['replay', 'set'],
  ] as const) {
    const store = faultyStore()
    const lines: string[] = []
    const logger = { warn: (_: object, message: string) => void lines.push(message) }
    const server = await serverWith(t, {
      stores: { revocations: memoryStore(), [use]: store },
      logger,
    })
    const token = await eventToken(key)
    store.failing.add(method)
    await t.rejects(server.receive(token), {
      name: 'StoreUnavailableError',
      statusCode: 503,
      headers: { 'retry-after': '1' },
    })
    await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED, 'in force here')
    const line = 'replay store unavailable; security event token got 503'
    t.strictSame(lines.includes(line), use === 'replay')
    t.match(server.securityEventStatus(), [{ failed: 1, lastFailure: 'store-unavailable' }])
    store.failing.clear()
    t.match(await server.receive(token), { outcome: 'revoked' })
    t.match(await server.receive(token), { outcome: 'duplicate' })
  }
})

t.test('fails if no more revocations are possible', async (t) => {
  const server = await serverWith(t, { revocations: { maxEntries: 1 } })
  await server.revoke({ jti: 'x' })
  await t.rejects(server.receive(await eventToken(key)), RangeError)
  t.match(server.statistics().securityEvents, { failed: 1, revoked: 0 })
})

t.test('tokens of other types are rejected, and events are accepted as nothing else', async (t) => {
  const server = await serverWith(t)
  const wrong = [
    await tokenOf(),
    await logoutToken(key, { aud: STREAM }),
    await eventToken(key, {}, { typ: 'JWT' }),
    await eventToken(key, {}, { typ: undefined }),
    await sign(key, { aud: STREAM, nonce: 'n' }, { header: { typ: undefined } }),
  ]
  for (const token of wrong) await t.rejects(server.receive(token), by('type'))
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  for (const token of [
    await eventToken(key, { aud: given().audience, exp: seconds() + 60, sub_id: USER }),
    await eventToken(key, { aud: CLIENT_ID, events, sid: 'session-1' }),
  ]) {
    await t.rejects(server.verify(token), by('type'))
    await t.rejects(server.revokeByLogoutToken(token, { clientId: CLIENT_ID }), by('type'))
  }
  await server.verify(await tokenOf({ sid: 'session-1' }))
})

t.test('a forged token revokes nothing and names itself in no error', async (t) => {
  const server = await serverWith(t)
  const forged = await makeKey('ES256', 'evil-kid')
  const token = await eventToken(forged, {
    jti: 'secret-jti',
    sub_id: { ...USER, sub: 'secret-sub' },
  })
  const error = await server.receive(token).catch((error) => error)
  t.match(error, { check: 'key', statusCode: 401, headers: {} })
  t.notMatch(JSON.stringify([error.message, error.expected, error.reason]), /secret-|evil-kid/)
  await t.rejects(
    server.receive(await eventToken(key, {}, { alg: 'HS256' }).catch(() => 'x')),
    by('token'),
  )
  await server.verify(await tokenOf())
})

t.test('malformed tokens are rejected', async (t) => {
  const server = await serverWith(t)
  for (const token of ['', 'x', 'a.b.c', 'x'.repeat(1_000_000), '....', 'eyJ9.e30.']) {
    await t.rejects(server.receive(token), { check: 'token', message: /security event token/ })
  }
  for (const token of [undefined, null, 1, {}, ['x']]) {
    await t.rejects(server.receive(token as never), TypeError)
  }
  t.match(server.statistics().securityEvents, { rejected: 6, failed: 5 })
})

t.test('claims that are costly to parse are parsed after the signature', async (t) => {
  const server = await serverWith(t)
  const groups = Array.from({ length: 200 }, (_, i) => `g${i}`)
  const events = { [`${CAEP}token-claims-change`]: { claims: { groups } } }
  t.match(await server.receive(await eventToken(key, { events })), { outcome: 'revoked' })
  await t.rejects(server.receive(await eventToken(other, { events })), by('key'))
  await t.rejects(server.receive(await eventToken(key, { events, aud: 'x' })), by('audience'))
  await t.rejects(server.receive(await eventToken(key, { events, iss: OTHER })), by('issuer'))
})

t.test('a polluted Object.prototype changes no event', async (t) => {
  const names = ['jti', 'sid', 'sub', 'sub_id', 'subject', 'session', 'user', 'format', 'toe']
  const time = seconds() - 10
  const events = { [`${CAEP}session-revoked`]: { event_timestamp: time } }
  for (const name of names) {
    const server = await serverWith(t)
    const token = await eventToken(key, { events, sub_id: USER })
    Reflect.set(Object.prototype, name, SESSION)
    const { revoked } = await server.receive(token).finally(() => {
      Reflect.deleteProperty(Object.prototype, name)
    })
    t.equal(revoked, 'user', name)
    await t.rejects(server.verify(await tokenOf({ iat: time })), REVOKED)
    await server.verify(await tokenOf({ iat: time + 1, sid: 'session-1' }))
  }
})

t.test('without feeds, receive() says so', async (t) => {
  const server = await serverWith(t, { securityEvents: undefined } as never)
  await t.rejects(server.receive(await eventToken(key)), {
    name: 'TypeError',
    message: 'receive() requires the option "securityEvents"',
  })
  t.strictSame(server.securityEventStatus(), [])
})

t.test('publishes accepted and rejected events', async (t) => {
  const server = await serverWith(t)
  const published: unknown[] = []
  t.teardown(onDiagnostics('security-event:accept', ({ event }) => void published.push(event)))
  t.teardown(
    onDiagnostics('security-event:reject', ({ error, issuer }) => {
      published.push([error.check, issuer])
    }),
  )
  const event = await server.receive(await eventToken(key))
  await t.rejects(server.receive('x'))
  await t.rejects(server.receive(await eventToken(key, { aud: 'x' })))
  t.strictSame(published, [event, ['token', undefined], ['audience', ISSUER]])
})
