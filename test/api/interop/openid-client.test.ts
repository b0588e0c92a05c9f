/**
 * openid-client, which most Node applications use to get tokens, with an API behind the plugin: at
 * the embedded authorization server, and at oidc-provider.
 */
import * as client from 'openid-client'
import t, { type Test } from 'tap'
import type { PluginOptions } from '../../../src/index.js'
import { createAuthorizationServer, testClient, testUser } from '../../../src/testing/index.js'
import { startApi } from './fixtures/api.js'
import { API_CLIENT, MACHINE, RESOURCE, startOidcProvider } from './fixtures/oidc-provider.js'

const NONCES: PluginOptions['dpop'] = {
  mode: 'required',
  nonce: { secret: Buffer.alloc(32, 9) },
}

/** Plain http, because all of it is on loopback. */
function discover(
  issuer: string,
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
  algorithm: 'oidc' | 'oauth2' = 'oidc',
) {
  return client.discovery(
    new URL(issuer),
    clientId,
    undefined,
    client.ClientSecretBasic(clientSecret),
    { algorithm, execute: [client.allowInsecureRequests] },
  )
}

async function embedded(t: Test, accessTokenFormat: 'jwt' | 'opaque' = 'jwt') {
  const server = await createAuthorizationServer({ algorithm: 'ES256', accessTokenFormat })
  t.teardown(() => server.close())
  return {
    server,
    config: await discover(server.issuer, testClient),
    api: { issuer: server.issuer, audience: 'api://default' },
  }
}

async function keyPair(config: client.Configuration, alg = 'ES256') {
  return client.getDPoPHandle(config, await client.randomDPoPKeyPair(alg))
}

for (const algorithm of ['oidc', 'oauth2'] as const) {
  t.test(
    `D1: openid-client discovers the embedded server by ${algorithm}, and every grant works`,
    async (t) => {
      const { server, api } = await embedded(t)
      const config = await discover(server.issuer, testClient, algorithm)
      const { url } = await startApi(t, api)
      const call = async (token: string, path = '/me') => {
        const response = await client.fetchProtectedResource(
          config,
          token,
          new URL(path, url),
          'GET',
        )
        return response.json()
      }
      const machine = await client.clientCredentialsGrant(config, { scope: 'orders:read' })
      t.equal(machine.token_type, 'bearer')
      t.match(await call(machine.access_token), { client: testClient.clientId })
      t.strictSame(await call(machine.access_token, '/orders'), { orders: [] })
      const user = await client.genericGrantRequest(config, 'password', {
        ...testUser,
        scope: 'openid offline_access orders:read',
      })
      t.match(user.claims(), { iss: server.issuer, sub: testUser.username }, 'a valid ID token')
      t.match(await call(user.access_token), { user: testUser.username })
      const again = await client.refreshTokenGrant(config, `${user.refresh_token}`)
      t.match(await call(again.access_token), { user: testUser.username })
    },
  )
}

t.test('B7, B8: openid-client parses our challenges', async (t) => {
  const { config, api } = await embedded(t)
  const { url } = await startApi(t, api)
  const { access_token } = await client.clientCredentialsGrant(config, { scope: 'orders:read' })
  const cases = {
    invalid_token: [access_token.slice(0, -4), '/me', 401],
    insufficient_scope: [access_token, '/refunds', 403],
  } as const
  for (const [error, [token, path, status]] of Object.entries(cases)) {
    const request = client.fetchProtectedResource(config, token, new URL(path, url), 'GET')
    const challenge = await request.catch((reason) => reason)
    t.type(challenge, client.WWWAuthenticateChallengeError)
    t.match(challenge, { status, cause: [{ scheme: 'bearer', parameters: { error } }] })
  }
})

t.test(
  'I2: an opaque token is active for the client and the API, until it is revoked',
  async (t) => {
    const { config, api } = await embedded(t, 'opaque')
    const { get } = await startApi(t, { ...api, introspection: { ...testClient, cacheMaxAge: 0 } })
    const { access_token } = await client.clientCredentialsGrant(config, { scope: 'orders:read' })
    t.match(await client.tokenIntrospection(config, access_token), {
      active: true,
      client_id: testClient.clientId,
      scope: 'orders:read',
    })
    t.equal((await get('/orders', access_token)).status, 200)
    await client.tokenRevocation(config, access_token)
    t.strictSame(await client.tokenIntrospection(config, access_token), { active: false })
    t.equal((await get('/orders', access_token)).status, 401)
  },
)

for (const alg of ['ES256', 'PS256', 'Ed25519']) {
  t.test(`P1, P4: DPoP with the nonces of both servers, ${alg}`, async (t) => {
    const { server, config, api } = await embedded(t)
    server.requireDPoPNonce()
    const { url } = await startApi(t, { ...api, dpop: NONCES })
    const DPoP = await keyPair(config, alg)
    const granted = await client.clientCredentialsGrant(config, { scope: 'orders:read' }, { DPoP })
    t.equal(granted.token_type, 'dpop')
    const call = (handle?: client.DPoPHandle) =>
      client.fetchProtectedResource(
        config,
        granted.access_token,
        new URL('/orders?page=2', url),
        'GET',
        undefined,
        undefined,
        handle && { DPoP: handle },
      )
    for (let i = 0; i < 3; i++) t.equal((await call(DPoP)).status, 200)
    for (const attacker of [await keyPair(config, alg), undefined]) {
      await t.rejects(call(attacker), client.WWWAuthenticateChallengeError)
    }
  })
}

for (const accessTokenFormat of ['jwt', 'opaque'] as const) {
  t.test(`P1, P4: oidc-provider with nonces, ${accessTokenFormat}`, async (t) => {
    const provider = { algorithm: 'ES256', accessTokenFormat, dpopNonce: true }
    const { issuer } = await startOidcProvider(t, provider)
    const config = await discover(issuer, {
      clientId: MACHINE.client_id,
      clientSecret: MACHINE.client_secret,
    })
    const { url, get } = await startApi(t, {
      issuer,
      audience: RESOURCE,
      dpop: NONCES,
      ...(accessTokenFormat === 'opaque' && { introspection: API_CLIENT }),
    })
    const DPoP = await keyPair(config)
    const scope = 'orders:read'
    const { access_token } = await client.clientCredentialsGrant(config, { scope }, { DPoP })
    for (let i = 0; i < 3; i++) {
      const response = await client.fetchProtectedResource(
        config,
        access_token,
        new URL('/orders', url),
        'GET',
        undefined,
        undefined,
        { DPoP },
      )
      t.equal(response.status, 200)
    }
    t.equal((await get('/orders', access_token)).status, 401, 'P3: not as a bearer token')
    if (accessTokenFormat === 'opaque') {
      const introspector = await discover(issuer, API_CLIENT)
      const introspected = await client.tokenIntrospection(introspector, access_token)
      t.match(introspected, {
        active: true,
        aud: RESOURCE,
        cnf: { jkt: await DPoP.calculateThumbprint() },
      })
    }
  })
}
