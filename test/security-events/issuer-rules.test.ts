/** A logout token is subject to the rules of its issuer: keys of tenants, and errors of a function. */
import t from 'tap'
import { createResourceServer, InvalidTokenError } from '../../src/index.js'
import { AUDIENCE, ISSUER } from '../fixtures/issuer.js'
import { CLIENT_ID, logoutToken } from '../fixtures/logout-tokens.js'
import { key } from '../fixtures/protected-api.js'

const TENANT = '3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4b'
const issuerOf = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`
const OPTIONS = { clientId: CLIENT_ID }

t.test('L1: rejects a signature with the key of another tenant', async (t) => {
  const issuer = issuerOf(TENANT)
  const claims = { iss: issuer, tid: TENANT }
  for (const [tenant, isAccepted] of [
    [TENANT, true],
    ['00000000-0000-4000-8000-000000000000', false],
  ] as const) {
    const server = await createResourceServer({
      issuer,
      audience: TENANT,
      jwks: { keys: [{ ...key.publicJwk, issuer: issuerOf(tenant) } as never] },
    })
    const accepting = server.revokeByLogoutToken(await logoutToken(key, claims), OPTIONS)
    if (isAccepted) await t.resolves(accepting)
    else await t.rejects(accepting, { name: 'InvalidTokenError', check: 'key' })
    await server.close()
  }
})

t.test('keeps the message of a rejection by the application', async (t) => {
  const server = await createResourceServer({
    issuer: () => {
      throw new InvalidTokenError('The tenant is suspended', { check: 'policy' })
    },
    audience: AUDIENCE,
  })
  t.teardown(() => server.close())
  const accepting = server.revokeByLogoutToken(await logoutToken(key, { iss: ISSUER }), OPTIONS)
  await t.rejects(accepting, { name: 'InvalidTokenError', message: 'The tenant is suspended' })
})
