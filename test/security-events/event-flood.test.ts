/** Forged security event tokens cost as little as forged access tokens, and delay no honest caller. */
import t from 'tap'
import { createResourceServer } from '../../src/index.js'
import { AUDIENCE, makeKey, sign } from '../fixtures/issuer.js'
import { json, startKeyServer } from '../fixtures/key-server.js'
import { CLIENT_ID, logoutToken } from '../fixtures/logout-tokens.js'
import { key, tokenOf } from '../fixtures/protected-api.js'
import { eventToken, STREAM, USER } from '../fixtures/security-events.js'

const other = await makeKey('ES256', 'other')
const sameKid = await makeKey('ES256')

t.test(
  '10,000 forged security event tokens cause two key fetches and revoke nothing',
  async (t) => {
    const issuer = await startKeyServer([key.publicJwk])
    t.teardown(() => issuer.close())
    const { issuer: iss } = issuer
    const server = await createResourceServer({
      issuer: iss,
      audience: AUDIENCE,
      jwks: { refetchBurst: 1 },
      securityEvents: { issuer: iss, audience: STREAM },
    })
    t.teardown(() => server.close())
    const honest = await tokenOf({ iss, sid: 'session-1' })
    const sub_id = { ...USER, iss }
    const [head = '', payload, signature] = (await eventToken(other, { iss, sub_id })).split('.')
    const header = JSON.parse(Buffer.from(head, 'base64url').toString())
    const forged = (kid: string) =>
      `${Buffer.from(JSON.stringify({ ...header, kid })).toString('base64url')}.${payload}.${signature}`
    const knownKid = await eventToken(sameKid, { iss, sub_id })
    const checks = new Set<string>()
    for (let sent = 0; sent < 10_000; sent += 100) {
      const flood = Array.from({ length: 100 }, (_, index) =>
        server
          .receive(index % 10 === 0 ? knownKid : forged(`${sent + index}`))
          .catch((error) => void checks.add(error.check)),
      )
      await server.verify(honest)
      await Promise.all(flood)
    }
    t.strictSame([...checks].sort(), ['key', 'signature'])
    t.match(server.statistics().securityEvents, { rejected: 10_000, revoked: 0 })
    t.match(server.securityEventStatus(), [{ rejected: 10_000, lastEventAt: undefined }])
    const forgedLogout = await logoutToken(other, { iss })
    await t.rejects(server.revokeByLogoutToken(forgedLogout, { clientId: CLIENT_ID }))
    t.equal(issuer.count('/keys'), 2, 'logout tokens share the limit')
    issuer.respond('/keys', json({ keys: [key.publicJwk, other.publicJwk] }))
    await server.verify(await sign(other, { iss }))
    t.equal(issuer.count('/keys'), 3, 'the budget of access tokens was not used')
  },
)
