import { createLocalJWKSet, decodeJwt, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import t from 'tap'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { basic, postForm } from './fixtures/post-form.js'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const keyed = await generateKeyPair('ES256')
const jwks = { keys: [{ ...(await exportJWK(keyed.publicKey)), kid: 'k1' }] }

let seconds = 1_800_000_000
const server = await createAuthorizationServer({
  algorithm: 'ES256',
  now: () => seconds * 1000,
  users: [
    { username: 'jane', password: 'pw-jane', sub: 'u1', claims: { tenant: 'acme', iss: 'x' } },
    { username: 'joe', password: 'pw-joe', scope: ['openid', 'orders:read'] },
  ],
  clients: [
    { clientId: 'web', clientSecret: 'web-secret' },
    { clientId: 'other', clientSecret: 'other-secret' },
    { clientId: 'cli' },
    { clientId: 'keyed', jwks },
    { clientId: 'reader', clientSecret: 'r', scope: 'orders:read', grantTypes: ['password'] },
    { clientId: 'once', clientSecret: 'o', grantTypes: ['password'] },
  ],
})
t.teardown(() => server.close())
const { tokenEndpoint, issuer } = server
const web = basic('web', 'web-secret')
const jane = { grant_type: 'password', username: 'jane', password: 'pw-jane' }
const joe = { grant_type: 'password', username: 'joe', password: 'pw-joe' }

t.test('G1: responds to the password grant as Okta documents', async (t) => {
  const form = { ...jane, scope: 'openid orders:read offline_access' }
  const { status, headers, body } = await postForm(tokenEndpoint, form, web)
  t.equal(status, 200)
  t.equal(headers.get('cache-control'), 'no-store')
  t.equal(headers.get('pragma'), 'no-cache')
  t.equal(headers.get('content-type'), 'application/json')
  t.match(body, {
    access_token: String,
    expires_in: 3600,
    id_token: String,
    refresh_token: /^[\w-]{43}$/,
    scope: 'openid orders:read offline_access',
    token_type: 'Bearer',
  })
  t.equal(Object.keys(body).length, 6)
})

t.test('issues neither an ID token nor a refresh token without its scope', async (t) => {
  const { body } = await postForm(tokenEndpoint, { ...jane, scope: 'orders:read' }, web)
  t.same(Object.keys(body).sort(), ['access_token', 'expires_in', 'scope', 'token_type'])
})

t.test('issues no refresh token to a client that may not use it', async (t) => {
  const form = { ...jane, scope: 'openid offline_access' }
  const { status, body } = await postForm(tokenEndpoint, form, basic('once', 'o'))
  t.equal(status, 200)
  t.notOk('refresh_token' in body)
})

t.test('treats an empty secret in the header as none (RFC 6749 §2.3.1)', async (t) => {
  const withoutColon = { authorization: `Basic ${btoa('cli')}` }
  for (const headers of [basic('cli', ''), withoutColon]) {
    const response = await postForm(tokenEndpoint, { ...jane, scope: 'openid' }, headers)
    t.equal(response.status, 200)
  }
})

t.test('grants the part of the scope that client and user may have', async (t) => {
  const scopeOf = async (form: Record<string, string>, headers = web) =>
    (await postForm(tokenEndpoint, form, headers)).body.scope
  t.equal(await scopeOf({ ...jane, scope: 'orders:write orders:read' }), 'orders:write orders:read')
  t.equal(await scopeOf({ ...joe, scope: 'openid orders:write orders:read' }), 'openid orders:read')
  t.equal(
    await scopeOf({ ...jane, scope: 'openid orders:read' }, basic('reader', 'r')),
    'orders:read',
  )
  t.equal(await scopeOf(jane), 'orders:read orders:write', 'without a request, the API scope')
  t.equal(await scopeOf(joe), 'orders:read')
})

t.test('requires a scope with the okta profile, as Okta does', async (t) => {
  await using okta = await createAuthorizationServer({ algorithm: 'ES256', profile: 'okta' })
  const form = { grant_type: 'client_credentials' }
  const { status, body } = await postForm(
    okta.tokenEndpoint,
    form,
    basic('demo-client', 'demo-secret'),
  )
  t.equal(status, 400)
  t.equal(body.error, 'invalid_scope')
})

t.test('performs client credentials for the client itself, without a user', async (t) => {
  const form = { grant_type: 'client_credentials', scope: 'orders:read openid offline_access' }
  const { status, body } = await postForm(tokenEndpoint, form, web)
  t.equal(status, 200)
  t.same(Object.keys(body).sort(), ['access_token', 'expires_in', 'scope', 'token_type'])
  t.equal(body.scope, 'orders:read')
  t.match(decodeJwt(body.access_token as string), { sub: 'web', client_id: 'web' })
})

t.test(
  'is compatible with oauth4webapi: password, client credentials and refresh grants',
  async (t) => {
    const as = {
      issuer,
      token_endpoint: tokenEndpoint,
      id_token_signing_alg_values_supported: ['ES256'],
    }
    const client = { client_id: 'web' }
    const authentication = oauth.ClientSecretBasic('web-secret')
    const insecure = { [oauth.allowInsecureRequests]: true }
    const skewed = { ...client, [oauth.clockSkew]: seconds - Math.floor(Date.now() / 1000) }
    const granted = await oauth.processClientCredentialsResponse(
      as,
      client,
      await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, insecure),
    )
    t.equal(granted.scope, 'orders:read orders:write')
    const form = { ...jane, scope: 'openid offline_access' }
    const { body } = await postForm(tokenEndpoint, form, web)
    const refreshed = await oauth.processRefreshTokenResponse(
      as,
      skewed,
      await oauth.refreshTokenGrantRequest(
        as,
        client,
        authentication,
        body.refresh_token as string,
        insecure,
      ),
    )
    t.match(oauth.getValidatedIdTokenClaims(refreshed), { sub: 'u1', aud: 'web', iss: issuer })
  },
)

t.test('rotates refresh tokens, and revokes the family when one is reused', async (t) => {
  const { body } = await postForm(
    tokenEndpoint,
    { ...jane, scope: 'openid offline_access orders:read' },
    web,
  )
  const first = body.refresh_token as string
  const signedIn = seconds
  seconds += 100
  const refresh = (refresh_token: string, more = {}, headers = web) =>
    postForm(tokenEndpoint, { grant_type: 'refresh_token', refresh_token, ...more }, headers)

  const foreign = await refresh(first, {}, basic('other', 'other-secret'))
  t.equal(foreign.body.error, 'invalid_grant', "another client's")
  const wider = await refresh(first, { scope: 'orders:write' })
  t.equal(wider.body.error, 'invalid_scope', 'more than was granted')

  const second = await refresh(first, { scope: 'orders:read' })
  t.equal(second.body.scope, 'orders:read')
  t.notOk('id_token' in second.body)
  t.match(decodeJwt(second.body.access_token as string), { sub: 'u1', iat: seconds })

  const third = await refresh(second.body.refresh_token as string)
  t.equal(
    third.body.scope,
    'openid offline_access orders:read',
    'the refresh token keeps the full scope',
  )
  t.match(decodeJwt(third.body.id_token as string), { auth_time: signedIn, iat: seconds })

  const reused = await refresh(first)
  t.equal(reused.status, 400)
  t.equal(reused.body.error, 'invalid_grant')
  const last = await refresh(third.body.refresh_token as string)
  t.equal(last.body.error, 'invalid_grant', 'revoked with its family')
  const unknown = await refresh('unknown')
  t.equal(unknown.body.error, 'invalid_grant')
})

const rejections: [
  what: string,
  form: Record<string, string> | [string, string][] | string,
  headers: Record<string, string>,
  status: number,
  error: string,
][] = [
  ['a wrong password', { ...jane, password: 'x' }, web, 400, 'invalid_grant'],
  ['an unknown user', { ...jane, username: 'x' }, web, 400, 'invalid_grant'],
  ['a missing username', { ...jane, username: '' }, web, 400, 'invalid_request'],
  ['a missing password', { ...jane, password: '' }, web, 400, 'invalid_request'],
  ['a missing grant type', {}, web, 400, 'invalid_request'],
  ['a missing refresh token', { grant_type: 'refresh_token' }, web, 400, 'invalid_request'],
  ['an unknown grant type', { grant_type: 'toString' }, web, 400, 'unsupported_grant_type'],
  [
    'a grant that the client may not use',
    { grant_type: 'client_credentials' },
    basic('once', 'o'),
    400,
    'unauthorized_client',
  ],
  [
    'client credentials of a public client',
    { grant_type: 'client_credentials', client_id: 'cli' },
    {},
    400,
    'unauthorized_client',
  ],
  ['an unknown scope', { ...jane, scope: 'orders:read admin' }, web, 400, 'invalid_scope'],
  ['a scope that is not allowed', { ...joe, scope: 'orders:write' }, web, 400, 'invalid_scope'],
  ['an empty scope', { ...joe, scope: ' ' }, web, 400, 'invalid_scope'],
  [
    'a repeated parameter',
    [...Object.entries(jane), ['scope', 'a'], ['scope', '']],
    web,
    400,
    'invalid_request',
  ],
  [
    'another media type',
    '{}',
    { ...web, 'content-type': 'application/json' },
    400,
    'invalid_request',
  ],
  ['a body that is too long', `x=${'y'.repeat(64 * 1024)}`, web, 413, 'invalid_request'],
  ['a wrong secret', jane, basic('web', 'x'), 401, 'invalid_client'],
  ['an unknown client', jane, basic('x', 'web-secret'), 401, 'invalid_client'],
  ['Basic without a colon', jane, { authorization: `Basic ${btoa('web')}` }, 401, 'invalid_client'],
  ['Basic that is not base64', jane, { authorization: 'Basic ?' }, 401, 'invalid_client'],
  ['Basic that is badly form-encoded', jane, basic('web', '%zz'), 401, 'invalid_client'],
  ['another scheme', jane, { authorization: 'Bearer x' }, 401, 'invalid_client'],
  ['a secret of a public client', jane, basic('cli', 'x'), 401, 'invalid_client'],
  ['an empty secret of a client with one', jane, basic('web', ''), 401, 'invalid_client'],
  [
    'a secret of a client with keys',
    { ...jane, client_id: 'keyed', client_secret: 'x' },
    {},
    401,
    'invalid_client',
  ],
  ['a secret without a client', { ...jane, client_secret: 'x' }, {}, 401, 'invalid_client'],
  ['no client', jane, {}, 401, 'invalid_client'],
  [
    'a confidential client with only its id',
    { ...jane, client_id: 'web' },
    {},
    401,
    'invalid_client',
  ],
  [
    'a client with keys with only its id',
    { ...jane, client_id: 'keyed' },
    {},
    401,
    'invalid_client',
  ],
  [
    'two authentication methods',
    { ...jane, client_secret: 'web-secret' },
    web,
    400,
    'invalid_request',
  ],
  [
    'another client_id than that of Basic',
    { ...jane, client_id: 'cli' },
    web,
    401,
    'invalid_client',
  ],
  [
    'an assertion that is not a JWT',
    { ...jane, client_assertion: 'x', client_assertion_type: assertionType },
    {},
    401,
    'invalid_client',
  ],
]

for (const [what, form, headers, status, error] of rejections) {
  t.test(`rejects ${what}: ${error} (RFC 6749 §5.2)`, async (t) => {
    const response = await postForm(tokenEndpoint, form, headers)
    t.equal(response.status, status)
    t.equal(response.body.error, error)
    t.type(response.body.error_description, 'string')
    t.equal(response.headers.get('cache-control'), 'no-store')
    const challenged = error === 'invalid_client' && 'authorization' in headers
    const challenge = challenged ? 'Basic realm="token", charset="UTF-8"' : null
    t.equal(response.headers.get('www-authenticate'), challenge)
  })
}

t.test('rejects a request without a content type', async (t) => {
  const body = new TextEncoder().encode('grant_type=password')
  const response = await fetch(tokenEndpoint, { method: 'POST', body })
  t.equal(response.status, 400)
  t.match(await response.json(), { error: 'invalid_request' })
})

t.test(
  'accepts the media type in any case and with parameters, and the Basic scheme in any case',
  async (t) => {
    const { status } = await postForm(tokenEndpoint, jane, {
      'content-type': 'Application/X-WWW-Form-Urlencoded ; charset=UTF-8',
      authorization: web.authorization.replace('Basic', 'bASIC'),
    })
    t.equal(status, 200)
  },
)

t.test('G2: form-decodes Basic credentials', async (t) => {
  const clients = [{ clientId: 'a:b c', clientSecret: 'ü+%' }]
  await using odd = await createAuthorizationServer({ algorithm: 'ES256', clients })
  const { status } = await postForm(
    odd.tokenEndpoint,
    { grant_type: 'client_credentials' },
    basic('a%3Ab+c', '%C3%BC%2B%25'),
  )
  t.equal(status, 200)
})

let ids = 0
function assertion(
  claims: Record<string, unknown> = {},
  key = keyed.privateKey,
  typ: string | undefined = undefined,
) {
  ids += 1
  const usual = { iss: 'keyed', sub: 'keyed', aud: issuer, exp: seconds + 60, jti: `id-${ids}` }
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...(typ !== undefined && { typ }) })
    .sign(key)
}

function withAssertion(client_assertion: string, more: Record<string, string> = {}) {
  const client = { client_assertion, client_assertion_type: assertionType }
  return postForm(tokenEndpoint, { grant_type: 'client_credentials', ...client, ...more })
}

t.test('accepts an assertion for the issuer, untyped or typed (rfc7523bis §4)', async (t) => {
  const type = 'client-authentication+jwt'
  for (const typ of [undefined, 'JWT', type, `application/${type}`, type.toUpperCase()]) {
    const { status, body } = await withAssertion(await assertion({}, keyed.privateKey, typ))
    t.equal(status, 200, typ ?? 'no typ')
    t.equal(decodeJwt(body.access_token as string).sub, 'keyed')
  }
  t.equal((await withAssertion(await assertion(), { client_id: 'keyed' })).status, 200)
})

t.test('rejects a replayed assertion until it expires', async (t) => {
  const once = await assertion({ jti: 'same' })
  t.equal((await withAssertion(once)).status, 200)
  const again = await withAssertion(once)
  t.equal(again.status, 401)
  t.equal(again.body.error, 'invalid_client')
  seconds += 61
  t.equal((await withAssertion(once)).status, 401, 'expired')
  t.equal((await withAssertion(await assertion({ jti: 'same' }))).status, 200)
})

t.test('rejects an invalid assertion', async (t) => {
  const unregistered = await generateKeyPair('ES256')
  const invalid: [string, string][] = [
    ['another audience', await assertion({ aud: 'https://else.example' })],
    ['the token endpoint as audience', await assertion({ aud: tokenEndpoint })],
    ['two audiences', await assertion({ aud: [issuer, tokenEndpoint] })],
    ['the issuer in an array', await assertion({ aud: [issuer] })],
    ['the type of an access token', await assertion({}, keyed.privateKey, 'at+jwt')],
    ['the type of a DPoP proof', await assertion({}, keyed.privateKey, 'dpop+jwt')],
    ['a longer type', await assertion({}, keyed.privateKey, 'x-client-authentication+jwt')],
    ['another issuer', await assertion({ iss: 'web' })],
    ['a client without keys', await assertion({ iss: 'web', sub: 'web' })],
    ['an unknown client', await assertion({ iss: 'x', sub: 'x' })],
    ['no exp', await assertion({ exp: undefined })],
    ['no jti', await assertion({ jti: undefined })],
    ['expired', await assertion({ exp: seconds - 1 })],
    ['valid for more than an hour', await assertion({ exp: seconds + 3601 })],
    ['signed by another key', await assertion({}, unregistered.privateKey)],
  ]
  for (const [what, jwt] of invalid) {
    const { status, body } = await withAssertion(jwt)
    t.equal(status, 401, what)
    t.equal(body.error, 'invalid_client', what)
  }
  const type = { client_assertion_type: 'other' }
  t.equal((await withAssertion(await assertion(), type)).status, 401, 'another type')
  const id = { client_id: 'web' }
  t.equal((await withAssertion(await assertion(), id)).status, 401, "another client's id")
})

t.test('signs granted tokens with the published key', async (t) => {
  const { body } = await postForm(tokenEndpoint, { ...jane, scope: 'openid orders:read' }, web)
  const keys = createLocalJWKSet(server.keySet())
  const currentDate = new Date(seconds * 1000)
  const expected = { issuer, currentDate, subject: 'u1' }
  const access = await jwtVerify(body.access_token as string, keys, {
    ...expected,
    audience: 'api://default',
    typ: 'at+jwt',
  })
  t.equal(access.payload.tenant, 'acme')
  const id = await jwtVerify(body.id_token as string, keys, { ...expected, audience: 'web' })
  t.equal(id.payload.tenant, 'acme')
})

t.test('accepts at most 100 parameters', async (t) => {
  const parameters = (count: number) => Array.from({ length: count }, (_, i) => `p${i}=1`)
  const post = (form: readonly string[]) => postForm(tokenEndpoint, form.join('&'), web)
  const { body: few } = await post(parameters(100))
  t.match(few, { error: 'invalid_request', error_description: /grant_type/ })
  const { status, body } = await post(parameters(101))
  t.equal(status, 400)
  t.match(body, {
    error: 'invalid_request',
    error_description: 'There are more than 100 parameters.',
  })
})
