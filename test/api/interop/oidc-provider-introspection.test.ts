/** Introspection at oidc-provider, a certified OpenID provider, over real HTTP. */
import t, { type Test } from 'tap'
import type { PluginOptions } from '../../../src/index.js'
import { passwordGrant } from '../../../src/testing/index.js'
import { until } from '../../fixtures/introspecting-api.js'
import { startApi } from './fixtures/api.js'
import {
  API_CLIENT,
  CLIENT,
  KEYED_API,
  type OidcProviderOptions,
  POSTING_API,
  RESOURCE,
  startOidcProvider,
  USER,
} from './fixtures/oidc-provider.js'

const WAYS = {
  client_secret_basic: API_CLIENT,
  client_secret_post: { ...POSTING_API, clientAuthentication: 'client_secret_post' },
  private_key_jwt: KEYED_API,
} as const

interface Line {
  readonly level: number
  readonly reqId?: string
}

async function start(
  t: Test,
  introspection: NonNullable<PluginOptions['introspection']>,
  accessTokenFormat: NonNullable<OidcProviderOptions['accessTokenFormat']> = 'opaque',
) {
  const { issuer } = await startOidcProvider(t, { algorithm: 'ES256', accessTokenFormat })
  const lines: string[] = []
  const logger = { level: 'warn', stream: { write: (line: string) => void lines.push(line) } }
  const api = await startApi(t, { issuer, audience: RESOURCE, introspection }, { logger })
  const grant = { issuer, ...CLIENT, ...USER, scope: 'orders:read' }
  const { access_token: token } = await passwordGrant(grant)
  const { clientId, clientSecret } = CLIENT
  return {
    get: api.get,
    token,
    /** Log lines of the plugin; Fastify logs each 503 as well. */
    logged: () =>
      lines.map((line) => JSON.parse(line) as Line).filter((line) => !('reqId' in line)),
    log: () => lines.join(''),
    /** Revokes a token (RFC 7009), as the client that it was issued to. */
    revoke: async () => {
      const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
      const { status } = await fetch(`${issuer}/token/revocation`, {
        method: 'POST',
        body: new URLSearchParams({ token }),
        headers: { authorization: `Basic ${basic}` },
      })
      return status
    },
  }
}

for (const [way, client] of Object.entries(WAYS)) {
  for (const signed of [false, true]) {
    const form = signed ? 'I5: signed' : 'JSON'
    t.test(`I1: accepts an opaque token until it is revoked (${way}, ${form})`, async (t) => {
      const { get, token, revoke } = await start(t, {
        ...client,
        requireSignedResponse: signed,
        cacheMaxAge: 0,
      })
      t.notMatch(token, /\./)
      const body = { user: USER.username, client: CLIENT.clientId, scope: ['orders:read'] }
      t.strictSame(await get('/me', token), { status: 200, challenge: null, body })
      t.equal((await get('/orders', token)).status, 200)
      t.match((await get('/refunds', token)).challenge, /error="insufficient_scope"/)
      t.equal((await get('/me', 'another-token')).status, 401)
      t.equal(await revoke(), 200)
      const rejected = await get('/me', token)
      t.match(rejected, { status: 401, challenge: /"The access token is not active"/ })
    })
  }
}

t.test('I2: rejects an opaque token for another API', async (t) => {
  const { issuer } = await startOidcProvider(t, { algorithm: 'ES256', accessTokenFormat: 'opaque' })
  const audience = 'https://api.example.com/invoices'
  const api = await startApi(t, { issuer, audience, introspection: API_CLIENT })
  const { access_token } = await passwordGrant({ issuer, ...CLIENT, ...USER, scope: 'orders:read' })
  t.equal((await api.get('/me', access_token)).status, 401)
  t.match(api.lastReason, { check: 'audience', expected: audience, found: `"${RESOURCE}"` })
})

t.test(
  'I3: responds with 503 to a wrong secret of the API, and logs one error without it',
  async (t) => {
    const clientSecret = 'another secret of 32 characters!'
    const { get, token, logged, log } = await start(t, { ...API_CLIENT, clientSecret })
    for (let i = 0; i < 5; i++) {
      t.match(await get('/me', token), { status: 503, challenge: null, retryAfter: Number })
    }
    t.match(logged(), [{ level: 50, err: { message: /rejects our credentials/ } }])
    t.equal(logged().length, 1)
    t.notOk(log().includes(clientSecret))
    t.notOk(log().includes(token))
  },
)

t.test(
  'recheck: accepts JWTs by signature, because the provider does not introspect them',
  async (t) => {
    const introspection = { ...API_CLIENT, mode: 'recheck', recheckInterval: 1_000 } as const
    const { get, token, logged } = await start(t, introspection, 'jwt')
    t.equal((await get('/me', token)).status, 200)
    await until(() => logged().length > 0)
    t.equal((await get('/me', token)).status, 200)
    const message =
      /introspection responded with 400 unsupported_token_type: the issuer does not introspect its JWTs, .*"introspection.mode" to opaque/
    t.match(logged(), [{ level: 50, err: { message } }])
  },
)

t.test(
  'always: responds with 503 for JWTs, which the provider does not introspect, and accepts other tokens',
  async (t) => {
    const { get, token, logged } = await start(t, { ...API_CLIENT, mode: 'always' }, 'jwt')
    t.match(await get('/me', token), { status: 503, challenge: null, retryAfter: 1 })
    t.equal((await get('/me', 'another-token')).status, 401)
    t.match(logged(), [{ level: 50, err: { message: /does not introspect its JWTs/ } }])
  },
)
