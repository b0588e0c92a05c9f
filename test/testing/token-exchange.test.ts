/** The token exchange grant of the embedded authorization server (RFC 8693). */
import { decodeJwt } from 'jose'
import t from 'tap'
import { createAuthorizationServer, generateDPoPKey } from '../../src/testing/index.js'
import { basic, postForm } from './fixtures/post-form.js'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'

const server = await createAuthorizationServer({
  algorithm: 'ES256',
  clients: [
    { clientId: 'web', clientSecret: 'web-secret' },
    { clientId: 'orders-api', clientSecret: 'api-secret' },
    { clientId: 'public' },
    { clientId: 'other', clientSecret: 'other-secret', grantTypes: ['password'] },
  ],
})
t.teardown(() => server.close())
const api = basic('orders-api', 'api-secret')

const exchange = (token: string, more: Record<string, string> = {}, client = api) =>
  postForm(
    server.tokenEndpoint,
    { grant_type: GRANT, subject_token: token, subject_token_type: ACCESS_TOKEN, ...more },
    client,
  )

t.test('issues a token for the subject, whose act names the client (RFC 8693 §4.1)', async (t) => {
  const token = await server.issueToken({ sub: 'ada' }, { scope: 'orders:read' })
  const more = { audience: 'api://payments', scope: 'openid orders:write' }
  const { status, body } = await exchange(token, more)
  t.equal(status, 200)
  t.match(body, {
    access_token: String,
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'orders:write',
    id_token: undefined,
  })
  t.match(decodeJwt(body.access_token as string), {
    sub: 'ada',
    aud: 'api://payments',
    client_id: 'orders-api',
    act: { sub: 'orders-api' },
    scope: 'orders:write',
  })
})

t.test('appends the actors of the subject token', async (t) => {
  const token = await server.issueToken({ act: { sub: 'agent' } })
  const actorToken = await server.issueToken({ sub: 'robot' }, { subject: 'client' })
  const { body } = await exchange(token, {
    actor_token: actorToken,
    actor_token_type: ACCESS_TOKEN,
    requested_token_type: ACCESS_TOKEN,
    resource: 'https://payments.example',
  })
  t.match(decodeJwt(body.access_token as string), {
    aud: 'https://payments.example',
    act: { sub: 'robot', act: { sub: 'agent' } },
  })
})

t.test('revoking the sign-in revokes the exchanged token as well', async (t) => {
  const { body: grant } = await postForm(
    server.tokenEndpoint,
    {
      grant_type: 'password',
      username: 'testuser1@example.com',
      password: 'demo-password',
      scope: 'openid offline_access',
    },
    basic('web', 'web-secret'),
  )
  const { body } = await exchange(grant.access_token as string, { scope: 'orders:read' })
  const introspect = async () => {
    const form = { token: body.access_token as string }
    return (await postForm(server.introspectionEndpoint, form, api)).body.active
  }
  t.equal(await introspect(), true)
  server.revoke(grant.refresh_token as string)
  t.equal(await introspect(), false)
})

t.test('rejects invalid exchanges', async (t) => {
  const token = await server.issueToken()
  const key = await generateDPoPKey()
  const bound = await server.issueToken({}, { confirmation: { key } })
  const expired = await server.issueToken({}, { expiresIn: -1 })
  const nameless = await server.issueToken({ sub: undefined })
  const cases: [number, string, ReturnType<typeof exchange>][] = [
    [400, 'invalid_grant', exchange('unknown')],
    [400, 'invalid_grant', exchange(bound)],
    [400, 'invalid_grant', exchange(expired)],
    [400, 'invalid_grant', exchange(nameless)],
    [400, 'invalid_request', exchange(token, { subject_token: '' })],
    [400, 'invalid_request', exchange(token, { subject_token_type: 'jwt' })],
    [400, 'invalid_request', exchange(token, { actor_token: token })],
    [400, 'invalid_request', exchange(token, { requested_token_type: 'jwt' })],
    [400, 'invalid_scope', exchange(token, { scope: 'unknown' })],
    [400, 'invalid_target', exchange(token, { resource: 'relative' })],
    [400, 'unauthorized_client', exchange(token, {}, basic('other', 'other-secret'))],
    [400, 'unauthorized_client', exchange(token, { client_id: 'public' }, {} as never)],
  ]
  for (const [status, error, responding] of cases) {
    t.match(await responding, { status, body: { error } }, error)
  }
})
