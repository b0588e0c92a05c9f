/** The `resource` parameter of the embedded authorization server's token endpoint (RFC 8707). */
import { decodeJwt } from 'jose'
import t from 'tap'
import { createAuthorizationServer, testClient, testUser } from '../../src/testing/index.js'
import { basic, postForm } from './fixtures/post-form.js'

const client = basic(testClient.clientId, testClient.clientSecret)
const machine = { grant_type: 'client_credentials' }
const user = { grant_type: 'password', ...testUser, scope: 'openid offline_access' }
const resource = 'https://api.example.com/mcp'

const server = await createAuthorizationServer({ algorithm: 'ES256' })
t.teardown(() => server.close())
const request = (form: Record<string, string> | [string, string][]) =>
  postForm(server.tokenEndpoint, form, client)
const audienceOf = async (form: Record<string, string>) => {
  const { status, body } = await request(form)
  return status === 200 ? decodeJwt(body.access_token as string).aud : body.error
}

t.test('R4: the audience is the requested resource, character by character', async (t) => {
  for (const name of [resource, 'https://api.example.com', 'https://api.example.com/', 'urn:x:y']) {
    t.equal(await audienceOf({ ...machine, resource: name }), name)
    t.equal(await audienceOf({ ...user, resource: name }), name)
  }
  t.equal(await audienceOf(machine), 'api://default', 'without resource, the default audience')
  const { body } = await request({ ...user, resource })
  t.equal(decodeJwt(body.id_token as string).aud, testClient.clientId, 'an ID token is not')
})

t.test(
  'rejects a resource that is not an absolute URI, or has a fragment, as invalid_target',
  async (t) => {
    for (const name of [
      '/mcp',
      'api.example.com',
      `${resource}#`,
      `${resource}#x`,
      'https://a b/',
    ]) {
      t.equal(await audienceOf({ ...machine, resource: name }), 'invalid_target', name)
      t.equal(await audienceOf({ ...user, resource: name }), 'invalid_target', name)
    }
  },
)

t.test('rejects several resources', async (t) => {
  const twice: [string, string][] = [
    ...Object.entries(machine),
    ['resource', resource],
    ['resource', 'https://other.example.com'],
  ]
  const { status, body } = await request(twice)
  t.equal(status, 400)
  t.equal(body.error, 'invalid_target')
})

t.test('a refreshed token is for the granted resource only', async (t) => {
  const refresh = async (refreshToken: unknown, more = {}) =>
    request({ grant_type: 'refresh_token', refresh_token: `${refreshToken}`, ...more })
  const first = await request({ ...user, resource })
  const second = await refresh(first.body.refresh_token)
  t.equal(decodeJwt(second.body.access_token as string).aud, resource)
  const other = await refresh(second.body.refresh_token, { resource: 'https://other.example.com' })
  t.equal(other.body.error, 'invalid_target')
  const third = await refresh(second.body.refresh_token, { resource })
  t.equal(third.status, 200, 'a rejected request does not consume the refresh token')
  const usual = await request(user)
  const wider = await refresh(usual.body.refresh_token, { resource })
  t.equal(wider.body.error, 'invalid_target')
})

t.test('tokens of the okta profile keep the audience of the server', async (t) => {
  await using okta = await createAuthorizationServer({ algorithm: 'ES256', profile: 'okta' })
  const form = { ...machine, scope: 'orders:read', resource }
  const { body } = await postForm(okta.tokenEndpoint, form, client)
  t.equal(decodeJwt(body.access_token as string).aud, okta.audience)
})
