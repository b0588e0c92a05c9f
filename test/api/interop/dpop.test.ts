/** DPoP interoperability: the client of oauth4webapi, and tokens bound by oidc-provider. */

import { calculateJwkThumbprint, exportJWK } from 'jose'
import {
  type AuthorizationServer,
  allowInsecureRequests,
  ClientSecretBasic,
  clientCredentialsGrantRequest,
  DPoP,
  type DPoPHandle,
  generateKeyPair,
  isDPoPNonceError,
  processClientCredentialsResponse,
  protectedResourceRequest,
} from 'oauth4webapi'
import t, { type Test } from 'tap'
import type { PluginOptions } from '../../../src/index.js'
import { protectedApi, tokenOf } from '../../fixtures/protected-api.js'
import { API_CLIENT, MACHINE, RESOURCE, startOidcProvider } from './fixtures/oidc-provider.js'

async function listen(
  t: Test,
  dpop: NonNullable<PluginOptions['dpop']>,
  rest: Partial<PluginOptions> = {},
) {
  const app = await protectedApi(t, { dpop, ...rest })
  app.get('/orders', async ({ auth }) => ({ confirmation: auth?.confirmation }))
  app.post('/orders', { config: { auth: { dpop: 'required' } } }, async () => ({ made: true }))
  return new URL(`${await app.listen({ host: '127.0.0.1', port: 0 })}/orders?page=2`)
}

async function makeClient(alg = 'ES256') {
  const keys = await generateKeyPair(alg)
  const jkt = await calculateJwkThumbprint(await exportJWK(keys.publicKey))
  const handle = DPoP({}, keys)
  return {
    jkt,
    handle,
    send: (token: string, url: URL, method = 'GET') =>
      protectedResourceRequest(token, method, url, new Headers(), null, {
        DPoP: handle,
        [allowInsecureRequests]: true,
      }),
  }
}

for (const alg of ['ES256', 'PS256', 'Ed25519']) {
  t.test(`P1: the client of oauth4webapi works unchanged, with ${alg}`, async (t) => {
    const url = await listen(t, 'allowed')
    const client = await makeClient(alg)
    const token = await tokenOf({ cnf: { jkt: client.jkt } })
    for (let i = 0; i < 3; i++) {
      const response = await client.send(token, url)
      t.equal(response.status, 200)
      t.same(await response.json(), { confirmation: { jkt: client.jkt } })
    }
    t.equal((await client.send(token, url, 'POST')).status, 200)
  })
}

t.test('P4: the client of oauth4webapi works with changing nonces', async (t) => {
  const url = await listen(t, { mode: 'required', nonce: { secret: Buffer.alloc(32, 9) } })
  const client = await makeClient()
  const token = await tokenOf({ cnf: { jkt: client.jkt } })
  const first = await client.send(token, url).catch((error) => error)
  t.ok(isDPoPNonceError(first), 'it reads the challenge as one for a nonce')
  for (let i = 0; i < 3; i++) t.equal((await client.send(token, url)).status, 200)
})

t.test('P3: rejects the key of another client', async (t) => {
  const url = await listen(t, 'allowed')
  const [owner, attacker] = [await makeClient(), await makeClient()]
  const token = await tokenOf({ cnf: { jkt: owner.jkt } })
  await t.rejects(attacker.send(token, url), {
    cause: [{ scheme: 'dpop', parameters: { error: 'invalid_token' } }],
  })
  t.equal((await owner.send(token, url)).status, 200)
})

async function boundToken(issuer: string, handle: DPoPHandle): Promise<string> {
  const as: AuthorizationServer = { issuer, token_endpoint: `${issuer}/token` }
  const client = { client_id: MACHINE.client_id }
  const response = await clientCredentialsGrantRequest(
    as,
    client,
    ClientSecretBasic(MACHINE.client_secret),
    new URLSearchParams({ scope: 'orders:read' }),
    { DPoP: handle, [allowInsecureRequests]: true },
  )
  const { access_token, token_type } = await processClientCredentialsResponse(as, client, response)
  if (token_type !== 'dpop') throw new Error(`it is ${token_type}`)
  return access_token
}

for (const accessTokenFormat of ['jwt', 'opaque'] as const) {
  t.test(
    `P1, P3: verifies the binding of an oidc-provider token, ${accessTokenFormat}`,
    async (t) => {
      const { issuer } = await startOidcProvider(t, { algorithm: 'ES256', accessTokenFormat })
      const introspection = accessTokenFormat === 'opaque' ? { introspection: API_CLIENT } : {}
      const rest = { issuer, audience: RESOURCE, jwks: {}, ...introspection }
      const url = await listen(t, 'allowed', rest)
      const [owner, attacker] = [await makeClient(), await makeClient()]
      const token = await boundToken(issuer, owner.handle)
      const response = await owner.send(token, url)
      t.same(await response.json(), { confirmation: { jkt: owner.jkt } })
      await t.rejects(attacker.send(token, url), {
        cause: [{ scheme: 'dpop', parameters: { error: 'invalid_token' } }],
      })
      const bearer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
      t.equal(bearer.status, 401)
    },
  )
}
