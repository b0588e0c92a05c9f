/** A token whose session ID is malformed is rejected, because no revocation would cover it. */
import t from 'tap'
import type { ProfileName, ResourceServerOptions } from '../../../src/index.js'
import { forge, outcome, serverFor } from '../../fixtures/forgery.js'
import { makeKey } from '../../fixtures/issuer.js'

const key = await makeKey('ES256')

const MALFORMED = [1, true, false, {}, [], ['session-1'], { id: 'session-1' }]

const SESSIONS: readonly [ProfileName, (id: unknown) => Record<string, unknown>, string][] = [
  ['standard', (sid) => ({ sid }), '"sid": a string'],
  ['auth0', (sid) => ({ sid }), '"sid": a string'],
  ['pingfederate', (id) => ({ 'pi.sri': id }), '"pi.sri": a string'],
  [
    'stytch',
    (id) => ({ scope: 'a', 'https://stytch.com/session': { id } }),
    '"https://stytch.com/session" with "id": a string',
  ],
  ['supertokens', (id) => ({ stt: 1, sessionHandle: id }), '"sessionHandle": a string'],
]

for (const [profile, claimsOf, expected] of SESSIONS) {
  t.test(`${profile}: the session ID is a string, or absent`, async (t) => {
    const server = await serverFor([key], { profile })
    const verify = (id: unknown) => server.verify(forge(key, { claims: claimsOf(id) }))
    t.equal((await verify('session-1')).sessionId, 'session-1')
    for (const none of [undefined, null]) t.equal((await verify(none)).sessionId, undefined)
    for (const id of MALFORMED) {
      const error = { name: 'InvalidTokenError', check: 'claims', reason: { expected } }
      await t.rejects(verify(id), error, JSON.stringify(id))
    }
  })
}

t.test('rejects a Stytch session that is no object', async (t) => {
  const server = await serverFor([key], { profile: 'stytch' })
  for (const session of ['session-1', 1, ['session-1']]) {
    const claims = { scope: 'a', 'https://stytch.com/session': session }
    t.equal(await outcome(server, forge(key, { claims })), 'claims', JSON.stringify(session))
  }
})

t.test('a custom profile with "sessionId" reads the claim in its own way', async (t) => {
  const outcomeWith = async (profile: NonNullable<ResourceServerOptions['profile']>) =>
    outcome(await serverFor([key], { profile }), forge(key, { claims: { sid: 42 } }))
  t.equal(await outcomeWith({ name: 'acme', sessionId: ({ sid }) => `${sid}` }), 'accepted')
  t.equal(await outcomeWith({ name: 'acme' }), 'claims')
})
