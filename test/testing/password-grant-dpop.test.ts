import { decodeJwt } from 'jose'
import t from 'tap'
import {
  createAuthorizationServer,
  generateDPoPKey,
  type PasswordGrantOptions,
  passwordGrant,
  testClient,
  testUser,
} from '../../src/testing/index.js'
import { cannedServer, respondWith } from './fixtures/canned-server.js'

const key = await generateDPoPKey()
const demo = { ...testClient, ...testUser, dpop: key }
const token = { access_token: 'opaque', token_type: 'DPoP' }

for (const clientAuthentication of ['client_secret_basic', 'client_secret_post'] as const) {
  t.test(`RFC 9449 §5: gets a token bound to a key (${clientAuthentication})`, async (t) => {
    await using server = await createAuthorizationServer({ algorithm: 'ES256' })
    const { issuer } = server
    const response = await passwordGrant({ ...demo, issuer, clientAuthentication, scope: 'openid' })
    t.equal(response.token_type, 'dpop')
    t.same(decodeJwt(response.access_token).cnf, { jkt: key.thumbprint })
    t.equal(server.requests.token, 1)
  })
}

t.test('P4: repeats the request with the nonce of the server', async (t) => {
  await using server = await createAuthorizationServer({ algorithm: 'ES256' })
  server.requireDPoPNonce()
  const { tokenEndpoint } = server
  const response = await passwordGrant({ ...demo, tokenEndpoint })
  t.equal(response.token_type, 'dpop')
  t.equal(server.requests.token, 2)
})

t.test('P4: creates a new private_key_jwt assertion for the second request', async (t) => {
  const { jwk, privateKey } = await generateDPoPKey()
  await using server = await createAuthorizationServer({
    algorithm: 'ES256',
    clients: [{ clientId: 'keyed', jwks: { keys: [jwk] } }],
  })
  server.requireDPoPNonce()
  const { issuer } = server
  const response = await passwordGrant({
    ...testUser,
    issuer,
    clientId: 'keyed',
    privateKey,
    dpop: key,
  })
  t.equal(response.token_type, 'dpop')
})

const nonce = { 'dpop-nonce': 'n' }
const rejections: [
  what: string,
  status: number,
  error: string,
  headers: object,
  requests: number,
][] = [
  ['a nonce is wanted again', 400, 'use_dpop_nonce', nonce, 2],
  ['a nonce is wanted and not given', 400, 'use_dpop_nonce', {}, 1],
  ['the status is another', 401, 'use_dpop_nonce', nonce, 1],
  ['the proof is rejected', 400, 'invalid_dpop_proof', nonce, 1],
  ['the password is wrong', 400, 'invalid_grant', nonce, 1],
]

for (const [what, status, error, headers, requests] of rejections) {
  t.test(`sends ${requests} if ${what}`, async (t) => {
    const { tokenEndpoint, seen } = await cannedServer(
      t,
      respondWith(status, { error }, { ...headers }),
    )
    await t.rejects(passwordGrant({ ...demo, tokenEndpoint }), {
      name: 'PasswordGrantError',
      error,
    })
    t.equal(seen.length, requests)
    t.equal(
      new Set(seen.map(({ headers }) => headers.dpop)).size,
      requests,
      'a new proof for each request',
    )
  })
}

t.test('sends no second request without a key', async (t) => {
  const rejection = respondWith(400, { error: 'use_dpop_nonce' }, nonce)
  const { tokenEndpoint, seen } = await cannedServer(t, rejection)
  await t.rejects(passwordGrant({ ...demo, dpop: undefined, tokenEndpoint }), {
    name: 'PasswordGrantError',
    message: /^use_dpop_nonce: .*set "dpop" to a key of generateDPoPKey\(\)/,
  })
  t.equal(seen.length, 1)
  t.notOk('dpop' in (seen[0]?.headers ?? {}))
})

for (const token_type of ['DPoP', 'dpop', 'DPOP']) {
  t.test(`G3: accepts the token_type ${token_type} only with a key`, async (t) => {
    const { tokenEndpoint } = await cannedServer(t, respondWith(200, { ...token, token_type }))
    t.equal((await passwordGrant({ ...demo, tokenEndpoint })).token_type, 'dpop')
    await t.rejects(passwordGrant({ ...demo, dpop: undefined, tokenEndpoint }), {
      error: 'invalid_response',
      message: /"token_type" is DPoP, but no proof was sent/,
    })
  })
}

t.test('G3: rejects a bearer token if a DPoP-bound one was requested', async (t) => {
  const { tokenEndpoint } = await cannedServer(
    t,
    respondWith(200, { ...token, token_type: 'Bearer' }),
  )
  await t.rejects(passwordGrant({ ...demo, tokenEndpoint }), {
    error: 'invalid_response',
    message: /"token_type" is not DPoP, so the token is not bound to the key/,
  })
})

t.test('rejects an invalid key', async (t) => {
  for (const dpop of [null, true, {}, key.jwk]) {
    const options = { ...demo, dpop, issuer: 'https://issuer.example' }
    await t.rejects(passwordGrant(options as PasswordGrantOptions), {
      name: 'TypeError',
      message: '"dpop" must be a key of generateDPoPKey()',
    })
  }
})
