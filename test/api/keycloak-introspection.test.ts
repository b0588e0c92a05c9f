/** Keycloak's introspection: lightweight access tokens, and the audience of the client (26.6.2). */
import t, { type Test } from 'tap'
import type { IntrospectionOptions } from '../../src/index.js'
import type { AuthorizationServer } from '../../src/testing/index.js'
import { API, AUDIENCE, introspectingApi, until } from '../fixtures/introspecting-api.js'

/** Claims that a lightweight access token lacks, and that the introspection response contains. */
const REMAINDER = {
  sub: '6d5b1a9e-0000-4000-8000-000000000001',
  preferred_username: 'ada',
  realm_access: { roles: ['staff'] },
  resource_access: { [AUDIENCE]: { roles: ['editor'] } },
}
const LACKING = Object.fromEntries(Object.keys(REMAINDER).map((name) => [name, undefined]))

async function start(t: Test, introspection: Partial<IntrospectionOptions>) {
  const it = await introspectingApi(t, {
    introspection,
    server: { profile: 'keycloak', accessTokenFormat: 'jwt' },
    api: { profile: 'keycloak' },
  })
  const { app, issuer } = it
  // Responds like Keycloak since 26.6.2: another client than those in "aud" gets "inactive".
  issuer.answerIntrospectionWith((response) =>
    [response.aud].flat().includes(API.clientId)
      ? { ...response, ...REMAINDER, client_id: response.azp, username: 'ada' }
      : { active: false },
  )
  app.get('/subject', async ({ auth, claims }) => ({
    subject: auth?.subject,
    client: auth?.clientId,
    kind: auth?.subjectKind,
    roles: [...(auth?.roles ?? [])],
    claims,
  }))
  const staff = { claims: { 'realm_access.roles': 'staff' } }
  app.get('/staff', { config: { auth: staff } }, async () => ({}))
  return it
}

const lightweight = (issuer: AuthorizationServer, claims: object = {}) =>
  issuer.issueToken(
    { ...LACKING, aud: [AUDIENCE, API.clientId], ...claims },
    { scope: 'orders:read' },
  )

t.test('I2: merge adds the claims that a lightweight token lacks', async (t) => {
  const { issuer, get } = await start(t, { mode: 'always', claims: 'merge' })
  const token = await lightweight(issuer)
  const { status, body } = await get(token, '/subject')
  t.equal(status, 200)
  t.match(body, {
    subject: REMAINDER.sub,
    client: 'demo-client',
    kind: 'user',
    roles: ['staff', 'editor'],
    claims: { ...REMAINDER, iss: issuer.issuer, azp: 'demo-client', scope: 'orders:read' },
  })
  const added = Object.keys(body.claims as object)
  for (const name of ['active', 'client_id', 'username', 'token_type']) {
    t.notOk(added.includes(name), name)
  }
  t.equal((await get(token, '/staff')).status, 200)
  t.equal((await get(token, '/refunds')).status, 403)
  t.equal(issuer.requests.introspection, 1, 'the response is cached')
})

t.test('token: keeps the claims of a lightweight token', async (t) => {
  const { issuer, get } = await start(t, { mode: 'always' })
  const token = await lightweight(issuer)
  t.match((await get(token, '/subject')).body, { kind: 'unknown', roles: [] })
  t.equal((await get(token, '/staff')).status, 403)
})

t.test('I2: a lightweight token must have the audience itself', async (t) => {
  const { issuer, status, checks } = await start(t, { mode: 'always', claims: 'merge' })
  t.equal(await status(await lightweight(issuer, { aud: undefined })), 401)
  t.equal(await status(await lightweight(issuer, { aud: 'account' })), 401)
  t.same(checks, ['audience', 'audience'])
  t.equal(issuer.requests.introspection, 0)
})

for (const mode of ['always', 'recheck'] as const) {
  t.test(`${mode}: logs once that every valid token is inactive`, async (t) => {
    const { issuer, get, status, logged, log } = await start(t, { mode })
    const reported = () => logged('error')
    const tokens: string[] = []
    for (let count = 1; count <= 12; count++) {
      const token = await lightweight(issuer, { aud: AUDIENCE })
      tokens.push(token)
      await get(token)
      await until(async () => (await status(token)) === 401)
      t.equal(reported().length, count < 10 ? 0 : 1, `${count} inactive tokens`)
    }
    t.match(reported(), [
      {
        issuer: issuer.issuer,
        msg: /^the first ten valid JWTs are inactive at the issuer.*Keycloak since 26\.6\.2.* Audience mapper/,
      },
    ])
    for (const token of tokens) t.notOk(log().includes(token.split('.')[1] as string))
    t.notMatch(log(), /demo-client|a secret/)
  })

  t.test(`${mode}: logs nothing after an active response`, async (t) => {
    const { issuer, get, status, logged } = await start(t, { mode })
    for (let count = 1; count <= 15; count++) {
      const isActive = count === 5
      const token = await lightweight(issuer, isActive ? {} : { aud: AUDIENCE })
      const before = issuer.requests.introspection
      await get(token)
      await until(() => issuer.requests.introspection > before)
      if (!isActive) await until(async () => (await status(token)) === 401)
    }
    t.same(logged('error'), [])
  })
}
