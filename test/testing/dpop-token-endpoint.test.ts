import { once } from 'node:events'
import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { base64url, decodeJwt, exportJWK, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import t from 'tap'
import {
  createAuthorizationServer,
  type DPoPProofOptions,
  dpopProof,
  generateDPoPKey,
} from '../../src/testing/index.js'
import { basic, postForm } from './fixtures/post-form.js'

let seconds = 1_800_000_000
const now = () => seconds * 1000
const server = await createAuthorizationServer({
  algorithm: 'ES256',
  now,
  clients: [{ clientId: 'web', clientSecret: 'web-secret' }, { clientId: 'cli' }],
})
t.teardown(() => server.close())
const { tokenEndpoint, issuer } = server
const { port } = new URL(tokenEndpoint)
const web = basic('web', 'web-secret')
const form = { grant_type: 'client_credentials' }
const key = await generateDPoPKey()
const other = await generateDPoPKey()

function proofOf(options: Partial<DPoPProofOptions> = {}) {
  return dpopProof({ key, method: 'POST', url: tokenEndpoint, now, ...options })
}

function requestToken(dpop: string, parameters: Record<string, string> = form, headers = web) {
  return postForm(tokenEndpoint, parameters, { ...headers, dpop })
}

t.test('RFC 9449 §5: a proof at the token endpoint binds the token', async (t) => {
  const password = { grant_type: 'password', username: 'testuser1@example.com' }
  for (const parameters of [form, { ...password, password: 'demo-password' }]) {
    const { status, body, headers } = await requestToken(await proofOf(), parameters)
    t.equal(status, 200)
    t.equal(body.token_type, 'DPoP')
    t.notOk(headers.has('dpop-nonce'))
    t.same(decodeJwt(body.access_token as string).cnf, { jkt: key.thumbprint })
    const token = body.access_token as string
    const introspected = await postForm(server.introspectionEndpoint, { token }, web)
    t.match(introspected.body, { active: true, token_type: 'DPoP', cnf: { jkt: key.thumbprint } })
  }
})

t.test('a request without a proof gets a bearer token', async (t) => {
  const { body } = await postForm(tokenEndpoint, form, web)
  t.equal(body.token_type, 'Bearer')
  t.notOk('cnf' in decodeJwt(body.access_token as string))
})

t.test('RFC 9449 §5.1: accepts each algorithm that the metadata names', async (t) => {
  const metadata = await fetch(`${issuer}/.well-known/openid-configuration`)
  const { dpop_signing_alg_values_supported: algorithms } = (await metadata.json()) as {
    dpop_signing_alg_values_supported: (typeof key.algorithm)[]
  }
  t.equal(algorithms.length, 11)
  for (const algorithm of algorithms) {
    const key = await generateDPoPKey(algorithm)
    const { status, body } = await requestToken(await proofOf({ key }))
    t.equal(status, 200, algorithm)
    t.same(decodeJwt(body.access_token as string).cnf, { jkt: key.thumbprint })
  }
})

const { origin, pathname } = new URL(tokenEndpoint)
const spellings: [htu: string, isAccepted: boolean][] = [
  [`${tokenEndpoint}?page=2#top`, true],
  [tokenEndpoint.replace('http', 'HTTP'), true],
  [tokenEndpoint.replace('oauth2', '%6fauth2'), true],
  [tokenEndpoint.replace('oauth2', 'x/../oauth2'), true],
  [tokenEndpoint.replace('/oauth2', '%2Foauth2'), false],
  [tokenEndpoint.replace('oauth2', 'OAUTH2'), false],
  [tokenEndpoint.replace('http', 'https'), false],
  [tokenEndpoint.replace('127.0.0.1', 'localhost'), false],
  [tokenEndpoint.replace('//', '//user@'), false],
  [tokenEndpoint.replace('//', ''), false],
  [tokenEndpoint.replaceAll('/', '\\'), false],
  [tokenEndpoint.replace('oauth2', 'oau\nth2'), false],
  [` ${tokenEndpoint}`, false],
  [`${tokenEndpoint}/`, false],
  [`${tokenEndpoint}%ff`, false],
  [pathname, false],
  [origin, false],
  ['http://%', false],
]

for (const [htu, isAccepted] of spellings) {
  t.test(`P1: ${isAccepted ? 'accepts' : 'rejects'} the htu ${JSON.stringify(htu)}`, async (t) => {
    const { status, body } = await requestToken(await proofOf({ claims: { htu } }))
    t.equal(status, isAccepted ? 200 : 400)
    if (!isAccepted)
      t.match(body, { error: 'invalid_dpop_proof', error_description: /htu of the DPoP proof/ })
  })
}

const privateJwk = await exportJWK(key.privateKey)
const small = await crypto.subtle.generateKey(
  {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  },
  true,
  ['sign', 'verify'],
)
const smallKey = {
  ...small,
  algorithm: 'RS256' as const,
  jwk: await exportJWK(small.publicKey),
  thumbprint: '',
}
const rsa = await generateDPoPKey('RS256')

/** Signs with HMAC and a public value: the key in the header, or the public key. */
async function symmetric(jwk: object, secret: Uint8Array) {
  const claims = { jti: 'j', htm: 'POST', htu: tokenEndpoint, iat: seconds }
  return new SignJWT(claims).setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk }).sign(secret)
}

const invalidProofs: [what: string, proof: () => Promise<string>, description?: RegExp][] = [
  ['that is not a JWT', async () => 'x.y'],
  ['in a header with two proofs', async () => `${await proofOf()}, ${await proofOf()}`],
  ['of another type', () => proofOf({ header: { typ: 'JWT' } })],
  ['without a type', () => proofOf({ header: { typ: undefined } })],
  ['without a signature', () => proofOf({ header: { alg: 'none' } })],
  ['signed with a secret', () => symmetric({ kty: 'oct', k: 'AAAA' }, base64url.decode('AAAA'))],
  [
    'signed with the public key as a secret',
    () => symmetric(key.jwk, Buffer.from(key.jwk.x ?? '')),
  ],
  ['that names another algorithm', () => proofOf({ header: { alg: 'ES384' } })],
  ['whose key is for another algorithm', () => proofOf({ header: { jwk: rsa.jwk } })],
  ['without a key', () => proofOf({ header: { jwk: undefined } })],
  ['with a kid instead of a key', () => proofOf({ header: { jwk: undefined, kid: '1' } })],
  ['with its private key', () => proofOf({ header: { jwk: privateJwk } })],
  [
    'with one private member',
    () => proofOf({ key: rsa, header: { jwk: { ...rsa.jwk, p: 'AQAB' } } }),
  ],
  ['with another key', () => proofOf({ header: { jwk: other.jwk } })],
  ['with a small key', () => proofOf({ key: smallKey })],
  ['with a critical member', () => proofOf({ header: { crit: ['x'], x: 1 } })],
  ['with a truncated signature', async () => (await proofOf()).slice(0, -8)],
  ['for another method', () => proofOf({ method: 'GET' }), /method/],
  ['for the method in lower case', () => proofOf({ method: 'post' }), /method/],
  ['without htm', () => proofOf({ claims: { htm: undefined } }), /method/],
  ['for another URL', () => proofOf({ url: issuer }), /URL/],
  ['without htu', () => proofOf({ claims: { htu: undefined } }), /URL/],
  ['whose htu is a list', () => proofOf({ claims: { htu: [tokenEndpoint] } }), /URL/],
  ['without jti', () => proofOf({ claims: { jti: undefined } }), /jti/],
  ['with an empty jti', () => proofOf({ claims: { jti: '' } }), /jti/],
  ['whose jti is a number', () => proofOf({ claims: { jti: 1 } }), /jti/],
  ['without iat', () => proofOf({ claims: { iat: undefined } }), /60 seconds/],
  ['whose iat is a string', () => proofOf({ claims: { iat: `${seconds}` } })],
  ['whose iat is null', () => proofOf({ claims: { iat: null } })],
  ['with an old iat', () => proofOf({ claims: { iat: seconds - 61 } }), /60 seconds/],
  ['with a future iat', () => proofOf({ claims: { iat: seconds + 61 } }), /60 seconds/],
  ['that is expired', () => proofOf({ claims: { exp: seconds - 1 } })],
]

for (const [what, proof, description = /not a valid JWT of type dpop\+jwt/] of invalidProofs) {
  t.test(`P1: rejects a proof ${what}`, async (t) => {
    const { status, headers, body } = await requestToken(await proof())
    t.equal(status, 400)
    t.match(body, { error: 'invalid_dpop_proof', error_description: description })
    t.notOk(headers.has('dpop-nonce'))
  })
}

t.test('P1: rejects two DPoP headers', async (t) => {
  const sent = request({
    port,
    path: pathname,
    method: 'POST',
    headers: {
      ...web,
      'content-type': 'application/x-www-form-urlencoded',
      dpop: [await proofOf(), await proofOf()],
    },
  }).end(new URLSearchParams(form).toString())
  const [response] = await once(sent, 'response')
  t.equal(response.statusCode, 400)
  t.match(await json(response), { error: 'invalid_dpop_proof', error_description: /more than one/ })
})

t.test('P5: accepts a proof once while it is fresh', async (t) => {
  const proof = await proofOf({ claims: { iat: seconds + 60 } })
  t.equal((await requestToken(proof)).status, 200)
  const replayed = async () => {
    const { status, body } = await requestToken(proof)
    t.equal(status, 400)
    t.equal(body.error, 'invalid_dpop_proof')
    return body.error_description as string
  }
  t.match(await replayed(), /used before/)
  seconds += 120
  t.match(await replayed(), /used before/, 'in its last second')
  seconds += 1
  t.match(await replayed(), /60 seconds/)
  const jti = 'the-same'
  t.equal((await requestToken(await proofOf({ claims: { jti } }))).status, 200)
  t.equal((await requestToken(await proofOf({ claims: { jti } }))).status, 400, 'created again')
  t.equal(
    (await requestToken(await proofOf({ key: other, claims: { jti } }))).status,
    200,
    "another's",
  )
})

t.test('P5: accepts one of a hundred concurrent replays', async (t) => {
  const proof = await proofOf()
  const responses = await Promise.all(Array.from({ length: 100 }, () => requestToken(proof)))
  t.equal(responses.filter(({ status }) => status === 200).length, 1)
})

t.test('does not consume the proof of an unknown client', async (t) => {
  const proof = await proofOf()
  t.equal((await requestToken(proof, form, basic('web', 'wrong'))).status, 401)
  t.equal((await requestToken(proof)).status, 200)
})

t.test('RFC 9449 §5: binds the refresh tokens of a public client to its key', async (t) => {
  const user = { username: 'testuser1@example.com', password: 'demo-password' }
  const scope = 'openid offline_access'
  const cli = { client_id: 'cli' }
  const refresh = (refresh_token: string, dpop?: string) =>
    postForm(
      tokenEndpoint,
      { grant_type: 'refresh_token', refresh_token, ...cli },
      dpop === undefined ? {} : { dpop },
    )
  const first = await postForm(
    tokenEndpoint,
    { grant_type: 'password', ...user, scope, ...cli },
    { dpop: await proofOf() },
  )
  const token = first.body.refresh_token as string
  t.match(await refresh(token), { status: 400, body: { error: 'invalid_grant' } }, 'no proof')
  const stolen = await refresh(token, await proofOf({ key: other }))
  t.match(stolen, { status: 400, body: { error: 'invalid_grant' } }, 'another key')
  const second = await refresh(token, await proofOf())
  t.match(second, { status: 200, body: { token_type: 'DPoP' } })
  t.same(decodeJwt(second.body.access_token as string).cnf, { jkt: key.thumbprint })
  const next = second.body.refresh_token as string
  t.equal((await refresh(next)).status, 400, 'the next refresh token is bound as well')
  t.equal((await refresh(token)).status, 400)
  t.equal(
    (await refresh(next, await proofOf())).status,
    200,
    'a request without the key revokes nothing',
  )
})

t.test(
  'does not bind the refresh tokens of a confidential client, whose key may change',
  async (t) => {
    const user = { username: 'testuser1@example.com', password: 'demo-password' }
    const scope = 'openid offline_access'
    const { body } = await requestToken(await proofOf(), { grant_type: 'password', ...user, scope })
    const refresh_token = body.refresh_token as string
    const refreshed = await requestToken(await proofOf({ key: other }), {
      grant_type: 'refresh_token',
      refresh_token,
    })
    t.equal(refreshed.status, 200)
    t.same(decodeJwt(refreshed.body.access_token as string).cnf, { jkt: other.thumbprint })
  },
)

t.test('binds an unbound refresh token of a public client with its first proof', async (t) => {
  const user = { username: 'testuser1@example.com', password: 'demo-password' }
  const cli = { client_id: 'cli' }
  const first = await postForm(tokenEndpoint, {
    grant_type: 'password',
    scope: 'offline_access',
    ...user,
    ...cli,
  })
  const refresh = async (refresh_token: unknown, headers: Record<string, string>) =>
    postForm(
      tokenEndpoint,
      { grant_type: 'refresh_token', refresh_token: refresh_token as string, ...cli },
      headers,
    )
  const second = await refresh(first.body.refresh_token, { dpop: await proofOf() })
  t.match(second, { status: 200, body: { token_type: 'DPoP' } })
  t.equal((await refresh(second.body.refresh_token, {})).status, 400)
})

t.test('P4: requires a nonce on demand', async (t) => {
  await using server = await createAuthorizationServer({ algorithm: 'ES256' })
  const url = server.tokenEndpoint
  const demo = basic('demo-client', 'demo-secret')
  const requestToken = async (options: Partial<DPoPProofOptions> = {}) => {
    const dpop = await dpopProof({ key, method: 'POST', url, ...options })
    return postForm(url, form, { ...demo, dpop })
  }
  const nonce = server.requireDPoPNonce()
  t.match(nonce, /^[\w-]{43}$/)
  for (const wrong of [undefined, 'x', nonce.toLowerCase()]) {
    const { status, headers, body } = await requestToken({ nonce: wrong })
    t.equal(status, 400)
    t.equal(body.error, 'use_dpop_nonce')
    t.equal(headers.get('dpop-nonce'), nonce)
  }
  t.equal((await requestToken({ claims: { nonce: [nonce] } })).body.error, 'use_dpop_nonce')
  const granted = await requestToken({ nonce })
  t.equal(granted.status, 200)
  t.equal(granted.headers.get('dpop-nonce'), nonce, 'RFC 9449 §8.2')
  t.equal((await requestToken({ nonce })).status, 200, 'the server responds again')

  const next = server.requireDPoPNonce()
  t.not(next, nonce)
  t.equal((await requestToken({ nonce })).body.error, 'use_dpop_nonce')
  t.equal((await requestToken({ nonce: next })).status, 200)
  t.equal(
    (await requestToken({ nonce: next, url: server.issuer })).body.error,
    'invalid_dpop_proof',
  )
  t.equal((await postForm(url, form, demo)).status, 200, 'bearer tokens need no proof')
})

t.test('P4: a nonce error consumes neither the refresh token nor the proof', async (t) => {
  await using server = await createAuthorizationServer({ algorithm: 'ES256' })
  const as = { issuer: server.issuer, token_endpoint: server.tokenEndpoint }
  const client = { client_id: 'demo-client' }
  const authentication = oauth.ClientSecretPost('demo-secret')
  const options = { DPoP: oauth.DPoP({}, key), [oauth.allowInsecureRequests]: true }
  const user = { username: 'testuser1@example.com', password: 'demo-password' }
  const parameters = { ...user, scope: 'offline_access' }
  const first = await oauth.processGenericTokenEndpointResponse(
    as,
    client,
    await oauth.genericTokenEndpointRequest(
      as,
      client,
      authentication,
      'password',
      parameters,
      options,
    ),
  )
  t.equal(first.token_type, 'dpop')
  server.requireDPoPNonce()
  const refresh = async () =>
    oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(
        as,
        client,
        authentication,
        first.refresh_token as string,
        options,
      ),
    )
  const error = await refresh().catch((error: unknown) => error)
  t.ok(oauth.isDPoPNonceError(error))
  t.equal((await refresh()).token_type, 'dpop')
})
