/** Which tokens the subject of an event names (RFC 9493, SSF 1.0 §3). */
import t from 'tap'
import { type TargetRules, targetOf } from '../../src/security-events/subject-target.js'
import { ISSUER } from '../fixtures/issuer.js'
import { SESSION, USER } from '../fixtures/security-events.js'

const OTHER = 'https://other.example'
const RULES: TargetRules = { tokenIssuers: [ISSUER], revokes: 'session' }
const BY_USER: TargetRules = { ...RULES, revokes: 'user' }
const TWO: TargetRules = { ...RULES, tokenIssuers: [ISSUER, OTHER] }
const foreign = { ...USER, iss: 'https://foreign.example' }
const device = { format: 'opaque', id: 'device-1' }
const theUser = { issuer: ISSUER, sub: 'user-1' }
const theSession = { issuer: ISSUER, sid: 'session-1' }
const complex = (members: object) => ({ format: 'complex', ...members })

t.test('a simple subject names the user or the token of a token issuer', async (t) => {
  t.strictSame(targetOf(USER, false, RULES), theUser)
  const jwt = { format: 'jwt_id', iss: ISSUER, jti: 'j' }
  t.strictSame(targetOf(jwt, false, RULES), { issuer: ISSUER, jti: 'j' })
  for (const subject of [
    foreign,
    { ...jwt, iss: OTHER },
    SESSION,
    { format: 'email', email: 'user-1' },
    { format: 'phone_number', phone_number: 'user-1' },
    { format: 'account', uri: 'acct:user-1' },
    { format: 'did', url: 'did:example:1' },
    { format: 'uri', uri: 'user-1' },
    { format: 'aliases', identifiers: [USER] },
    { format: 'x', iss: ISSUER, sub: 'user-1' },
    { ...USER, format: undefined },
    { ...USER, sub: ['user-1'] },
    { ...USER, iss: [ISSUER] },
    Object.create(USER),
    {},
  ]) {
    for (const concernsUser of [false, true]) {
      t.equal(targetOf(subject, concernsUser, BY_USER), undefined, JSON.stringify(subject))
    }
  }
})

t.test('a complex subject names its session', async (t) => {
  t.strictSame(targetOf(complex({ user: USER, session: SESSION }), false, RULES), theSession)
  t.strictSame(targetOf(complex({ session: SESSION }), false, RULES), theSession)
  t.strictSame(targetOf(complex({ session: SESSION, device }), false, RULES), theSession)
  const bySub = { format: 'iss_sub', iss: OTHER, sub: 'session-2' }
  t.strictSame(targetOf(complex({ session: bySub }), false, TWO), {
    issuer: OTHER,
    sid: 'session-2',
  })
  t.equal(targetOf(complex({ session: SESSION }), false, TWO), undefined, 'of which issuer?')
  const user = { ...USER, iss: OTHER }
  const named = targetOf(complex({ session: SESSION, user }), false, TWO)
  t.strictSame(named, { issuer: OTHER, sid: 'session-1' }, 'the issuer of the user')
})

t.test('a session that cannot be named never widens the event to the user', async (t) => {
  for (const session of [
    { format: 'x', id: 'session-1' },
    { format: 'opaque', id: '' },
    { format: 'opaque', id: { x: 1 } },
    { format: 'iss_sub', iss: 'https://foreign.example', sub: 'session-1' },
    'session-1',
    null,
  ]) {
    t.equal(targetOf(complex({ user: USER, session }), false, RULES), undefined)
    t.strictSame(targetOf(complex({ user: USER, session }), false, BY_USER), theUser)
  }
})

t.test('a device or another member narrows an event about sessions', async (t) => {
  t.strictSame(targetOf(complex({ user: USER }), false, RULES), theUser)
  for (const name of ['device', 'application', 'tenant', 'org_unit', 'group', 'unknown']) {
    const subject = complex({ user: USER, [name]: device })
    t.equal(targetOf(subject, false, RULES), undefined, name)
    t.strictSame(targetOf(subject, true, RULES), theUser, 'an event about the user')
    t.strictSame(targetOf(subject, false, BY_USER), theUser)
    for (const concernsUser of [false, true]) {
      t.equal(targetOf(complex({ [name]: USER }), concernsUser, BY_USER), undefined)
    }
  }
})

t.test('an event about the user, and revokes: user, prefer the user', async (t) => {
  const both = complex({ user: USER, session: SESSION })
  t.strictSame(targetOf(both, true, RULES), theUser)
  t.strictSame(targetOf(both, false, BY_USER), theUser)
  t.strictSame(targetOf(complex({ session: SESSION }), true, RULES), theSession)
  t.strictSame(targetOf(complex({ session: SESSION }), false, BY_USER), theSession)
  const unknownUser = complex({ user: { format: 'email', email: 'x' }, session: SESSION })
  t.equal(targetOf(unknownUser, true, RULES), undefined, 'the application may know the user')
})

t.test('a complex subject of earlier drafts has no format', async (t) => {
  t.strictSame(targetOf({ user: USER }, false, RULES), theUser)
  t.equal(targetOf({ user: USER, device }, false, RULES), undefined)
  t.equal(targetOf({ user: 'x' }, false, RULES), undefined)
})
