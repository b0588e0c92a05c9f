/** The checks of security event tokens (RFC 8417 §2.2, SSF 1.0 §4). */
import t from 'tap'
import { isRejection } from '../../src/errors/result.js'
import {
  readSecurityEventToken,
  type SecurityEventToken,
} from '../../src/security-events/security-event-token.js'
import { CAEP, eventClaims, SSF, STREAM, USER } from '../fixtures/security-events.js'

const NOW = 1_700_000_000
const EXPECTED = { audience: new Set([STREAM, 'other']), maxAge: 600 }

function read(overrides: Record<string, unknown>, typ: unknown = 'secevent+jwt', now = NOW) {
  const claims = JSON.parse(JSON.stringify(eventClaims({ iat: NOW, ...overrides })))
  const header = { alg: 'ES256', kid: undefined, typ: typ as string, parameters: {} }
  return readSecurityEventToken({ header, claims }, EXPECTED, 30, now)
}

/** Returns the check that rejected the token, with what it expected; the empty string for none. */
function rejectedBy(...args: Parameters<typeof read>): string {
  const result = read(...args)
  return isRejection(result) ? `${result.check} ${result.expected}` : ''
}

function accepted(...args: Parameters<typeof read>): SecurityEventToken {
  const result = read(...args)
  if (isRejection(result)) throw result
  return result
}

t.test('E1: requires the type secevent+jwt', async (t) => {
  for (const typ of ['secevent+jwt', 'SecEvent+JWT', 'application/secevent+jwt']) {
    t.equal(rejectedBy({}, typ), '', typ)
  }
  for (const typ of [undefined, 'JWT', 'at+jwt', 'logout+jwt', '', 'secevent', 'x/secevent+jwt']) {
    const header = { alg: 'ES256', kid: undefined, typ, parameters: {} }
    const result = readSecurityEventToken({ header, claims: eventClaims() }, EXPECTED, 30, NOW)
    t.match(result, { check: 'type', message: 'The token is not a security event token' })
  }
})

t.test('E2: requires one event, which is an object', async (t) => {
  const event = `${CAEP}session-revoked`
  const wrong: unknown[] = [
    undefined,
    null,
    {},
    [],
    [{}],
    'x',
    { [event]: null },
    { [event]: [] },
    { [event]: 'x' },
    { '': {} },
    { [event]: {}, [`${SSF}verification`]: {} },
  ]
  for (const events of wrong) {
    t.match(rejectedBy({ events }), /^claims "events" with one member/, JSON.stringify(events))
  }
})

t.test('E3: requires a bounded jti', async (t) => {
  for (const jti of [undefined, null, '', 1, {}, ['x'], 'x'.repeat(257)]) {
    t.match(rejectedBy({ jti }), /^claims "jti"/)
  }
  t.equal(rejectedBy({ jti: 'x'.repeat(256) }), '')
})

t.test('E4: rejects a token with sub', async (t) => {
  for (const sub of ['user-1', '', null, {}]) t.equal(rejectedBy({ sub }), 'claims no "sub"')
})

t.test('E5: bounds iat, and checks exp if it is present', async (t) => {
  for (const iat of [undefined, null, '1', {}, [NOW]]) t.match(rejectedBy({ iat }), /^claims "iat"/)
  t.equal(rejectedBy({ iat: NOW + 30 }), '')
  t.match(rejectedBy({ iat: NOW + 31 }), /^issued-at/)
  t.match(rejectedBy({ iat: NOW * 1_000 }), /^issued-at/)
  t.equal(rejectedBy({ iat: NOW - 630 }), '')
  t.match(rejectedBy({ iat: NOW - 631 }), /^age/)
  t.match(rejectedBy({}, 'secevent+jwt', Number.NaN), /^issued-at/)
  t.equal(rejectedBy({ exp: NOW - 29 }), '')
  t.match(rejectedBy({ exp: NOW - 30 }), /^expiry/)
  for (const exp of [null, '1', {}]) t.match(rejectedBy({ exp }), /^claims "exp"/)
})

t.test('E6: requires the audience of the stream', async (t) => {
  for (const aud of [STREAM, [STREAM], ['x', 'other']]) t.equal(rejectedBy({ aud }), '')
  const wrong = [undefined, null, '', 'x', [], ['x'], [STREAM, 1], [[STREAM]], { 0: STREAM }]
  for (const aud of wrong) t.match(rejectedBy({ aud }), /^audience/, JSON.stringify(aud))
})

t.test('E7: requires well-formed subject identifiers', async (t) => {
  const wrong: unknown[] = [
    null,
    'user-1',
    [],
    {},
    { format: '' },
    { format: 1 },
    { format: 'iss_sub' },
    { format: 'iss_sub', iss: 'x' },
    { format: 'iss_sub', iss: 'x', sub: '' },
    { format: 'iss_sub', iss: ['x'], sub: 'x' },
    { format: 'opaque', id: 1 },
    { format: 'email', email: null },
    { format: 'phone_number' },
    { format: 'account' },
    { format: 'did' },
    { format: 'uri' },
    { format: 'jwt_id', iss: 'x' },
    { format: 'complex', user: 'x' },
    { format: 'complex', user: null },
    { format: 'complex', session: { format: 'opaque' } },
    { format: 'complex', device: { format: 'complex', user: {} } },
  ]
  for (const sub_id of wrong) {
    t.match(rejectedBy({ sub_id }), /^claims "sub_id": /, JSON.stringify(sub_id))
  }
  for (const sub_id of [USER, { format: 'x' }, { format: 'complex' }, { format: 'aliases' }]) {
    t.strictSame(accepted({ sub_id }).subject, sub_id)
  }
})

t.test('E8: reads the subject in the event of earlier drafts', async (t) => {
  const subject = { user: USER }
  const events = { [`${CAEP}session-revoked`]: { subject } }
  t.strictSame(accepted({ events, sub_id: undefined }).subject, subject)
  t.strictSame(accepted({ events, sub_id: USER }).subject, USER, 'sub_id counts')
  for (const value of ['x', null, ['x'], 1]) {
    const odd = { [`${CAEP}session-revoked`]: { subject: value } }
    t.equal(accepted({ events: odd, sub_id: undefined }).subject, undefined)
  }
})

t.test('E9: the time of the event is never after iat', async (t) => {
  const at = (event_timestamp: unknown, toe?: unknown) =>
    accepted({ events: { [`${CAEP}session-revoked`]: { event_timestamp } }, toe }).occurredAt
  t.equal(at(NOW - 100), NOW - 100)
  t.equal(at(NOW - 100, NOW - 50), NOW - 100)
  t.equal(at(undefined, NOW - 50), NOW - 50)
  t.equal(at(undefined), NOW)
  for (const odd of [NOW + 1, NOW * 1_000, -1, '1', null, {}, true]) t.equal(at(odd), NOW)
})

t.test('reads txn if it is a string', async (t) => {
  t.equal(accepted({ txn: 'x' }).transactionId, 'x')
  for (const txn of [1, {}, undefined]) t.equal(accepted({ txn }).transactionId, undefined)
})
