/**
 * Every example runs from the built package and prints what it should. Up to three run at a time,
 * because an example mostly waits.
 */
import { readdirSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { createAuthorizationServer, testClient, testUser } from '../../src/testing/index.js'
import { type Outcome, run, runInSequence } from '../fixtures/programs/run.js'

t.jobs = 3

const folder = new URL('../../.build/examples/', import.meta.url)

const fileOf = (name: string) => new URL(`${name}.js`, folder).pathname

/** They need no environment, and end by themselves with exit code 0. Three processes share them. */
const SHARES = [
  ['demo', 'graphql', 'metrics', 'openapi', 'several-issuers', 'token-to-api'],
  ['dpop', 'encrypted-tokens', 'introspection', 'mtls', 'rate-limit', 'tenants', 'token-exchange'],
  ['logout', 'security-events', 'mcp', 'readiness', 'under-pressure', 'websocket', 'tracing'],
]
const shares = SHARES.map((names) => ({ names, outcomes: runInSequence(names.map(fileOf)) }))

async function outcomeOf(name: string): Promise<Outcome> {
  const share = shares.find(({ names }) => names.includes(name))
  const outcome = (await share?.outcomes)?.get(fileOf(name))
  if (outcome === undefined) throw new Error(`${name} is in no share`)
  return outcome
}

/** tap runs only buffered subtests side by side. */
function example(name: string, test: (t: Test) => Promise<void>): void {
  t.test(name, { buffered: true }, test)
}

const oktaEnvironment = (issuer: string) => ({
  OKTA_ISSUER: issuer,
  OKTA_CLIENT_ID: testClient.clientId,
  OKTA_CLIENT_SECRET: testClient.clientSecret,
  OKTA_USERNAME: testUser.username,
  OKTA_PASSWORD: testUser.password,
})

t.test('every example has a test', async (t) => {
  t.strictSame(
    readdirSync(folder)
      .map((name) => name.replace(/\.js$/, ''))
      .sort(),
    [
      'cluster',
      'demo',
      'demo-output',
      'dpop',
      'encrypted-tokens',
      'graphql',
      'introspection',
      'logout',
      'mcp',
      'metrics',
      'mtls',
      'okta',
      'openapi',
      // Tested in playground.test.ts, and in a browser: suites/browser.
      'playground',
      'rate-limit',
      'readiness',
      'security-events',
      'several-issuers',
      'tenants',
      'token-exchange',
      'token-to-api',
      'tracing',
      'under-pressure',
      'websocket',
    ],
  )
})

example('cluster: names the missing Redis', async (t) => {
  // suites/redis runs the whole example, with a Redis.
  const { code, stderr } = await run(fileOf('cluster'), { PATH: '/nowhere' })
  t.equal(code, 2)
  t.match(stderr, /redis-server is not installed/)
})

example('demo: gets the expected responses, and ends without input', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('demo')
  t.equal(code, 0, stderr)
  t.match(stdout, /"token_type": "Bearer"/)
  t.match(stdout, /valid token +GET \/me +200/)
  t.match(stdout, /no token +GET \/me +401 Bearer realm="api"\n/)
  for (const title of ['tampered token', 'expired token', 'token for another API', 'ID token']) {
    t.match(stdout, new RegExp(`${title} +GET /me +401 Bearer realm="api", error="invalid_token"`))
  }
  t.match(
    stdout,
    /without the scope +GET \/orders +403 .*error="insufficient_scope".*scope="orders:read"/,
  )
  t.match(stdout, /rotated key +GET \/me +200/)
  t.match(stdout, /9 of 9 responses as expected/)
  t.notMatch(stdout, /eyJ[\w-]{20}/, 'no complete token is printed')
  t.notMatch(stdout, testUser.password)
})

example('dpop: rejects a stolen token and a replayed proof', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('dpop')
  t.equal(code, 0, stderr)
  t.match(stdout, /token type: +dpop/)
  t.match(stdout, /with a proof: +200 \{"user":"testuser1@example.com"\}/)
  t.match(stdout, /with a new proof: +200/)
  t.match(stdout, /stolen, as Bearer: +401 .*must be sent with a DPoP proof/)
  t.match(stdout, /with another key: +401 .*bound to a different key/)
  t.match(stdout, /recorded request: +200/)
  t.match(stdout, /replayed: +401 The DPoP proof was used before/)
})

example('encrypted-tokens: rejects tokens for another key, and rotates the key', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('encrypted-tokens')
  t.equal(code, 0, stderr)
  t.match(stdout, /parts of the token: 5\nthe client can read the user: false\n/)
  for (const title of ['encrypted', 'rotation, old key', 'rotation, new key', 'rotated, new key']) {
    t.match(stdout, new RegExp(`^${title} +200 \\{"user":"testuser1@example.com"\\}$`, 'm'))
  }
  t.match(stdout, /^for another API +401 .*"The access token cannot be decrypted"$/m)
  t.match(stdout, /^not encrypted +401 .*"The access token is not encrypted"$/m)
  t.match(stdout, /^rotated, old key +401 .*"The access token cannot be decrypted"$/m)
  t.notMatch(stdout, /eyJ/)
})

example('graphql: a resolver rejects a token without its scope', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('graphql')
  t.equal(code, 0, stderr)
  t.match(stdout, /no token: +401 Bearer realm="api"\n/)
  t.match(stdout, /a token: +200 \{"data":\{"me":"ada"\}\}/)
  t.match(
    stdout,
    /without the scope: 403 Bearer .*error="insufficient_scope".*scope="orders:read"\n/,
  )
  t.match(stdout, /with the scope: +200 \{"data":\{"me":"ada","orders":\["a book"\]\}\}/)
})

example('introspection: rejects revoked tokens', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('introspection')
  t.equal(code, 0, stderr)
  for (const title of ['opaque, active', 'JWT, active', 'other JWT, active']) {
    t.match(stdout, new RegExp(`${title} +200 \\{"user":"testuser1@example.com"\\}`))
  }
  t.match(stdout, /opaque, revoked +401 .*"The access token is not active"/)
  t.match(stdout, /JWT, revoked +401 .*"The access token was revoked"/)
  t.match(stdout, /other JWT, revoked here +401 .*"The access token was revoked"/)
})

example('logout: rejects the tokens of a session that ended, and of a disabled user', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('logout')
  t.equal(code, 0, stderr)
  t.match(stdout, /^laptop +200 \{"user":"testuser1@example.com","session":"[\da-f-]{36}"\}$/m)
  t.match(stdout, /^phone +200 .*\nlogout token +200 /m)
  t.match(stdout, /^laptop, signed out +401 .*"The access token was revoked"\nphone +200 /m)
  t.match(stdout, /^phone, user disabled +401 .*"The access token was revoked"$/m)
  t.match(stdout, /^forged logout token +400 \{"error":"invalid_request",.*token is invalid"\}$/m)
  t.notMatch(stdout, /eyJ/)
})

example(
  'security-events: rejects tokens of a revoked session, and of a disabled user',
  async (t) => {
    const { code, stdout, stderr } = await outcomeOf('security-events')
    t.equal(code, 0, stderr)
    t.match(stdout, /^stream +201 created\nlaptop +200 \{"user":"testuser1@example.com",.*\}$/m)
    t.match(
      stdout,
      /^phone +200 .*\nlaptop, revoked +401 .*"The access token was revoked"\nphone +200 /m,
    )
    t.match(stdout, /^phone, user disabled +401 .*"The access token was revoked"$/m)
    t.match(stdout, /^forged event +400 \{"err":"authentication_failed",.*\}$/m)
    t.notMatch(stdout, /eyJ/)
  },
)

example('token-exchange: calls another API on behalf of the caller', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('token-exchange')
  t.equal(code, 0, stderr)
  t.match(stdout, /forwarded token: +401/)
  for (const user of ['ada', 'bob']) {
    t.match(
      stdout,
      new RegExp(`${user}: +200 {"payments":3,"user":"${user}","actor":"orders-api"}`),
    )
  }
  t.match(stdout, /12 calls: +2 token requests/)
  t.match(stdout, /revoked token: +403 {"error":"no payments for you: invalid_grant"}/)
  t.match(stdout, /outage, cached: +200/)
  t.match(stdout, /outage, new: +503 .*"Token exchange is temporarily unavailable: retry later"/)
  t.notMatch(stdout, /eyJ/)
})

example('mcp: a client gets a token with more scope for the second tool', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('mcp')
  t.equal(code, 0, stderr)
  const [sdk2 = '', sdk1 = '', attack = '', ...rest] = stdout.trim().split('\n\n')
  t.strictSame(rest, [])
  const discovery = [
    'GET  /.well-known/oauth-protected-resource/mcp 200',
    'GET  /.well-known/oauth-authorization-server/oauth2/default 200',
  ]
  const guide = readFileSync(new URL('../../docs/mcp.md', import.meta.url), 'utf8')
  const [, quoted] = /^```text\n(POST \/mcp 401 .*?)\n```$/ms.exec(guide) ?? []
  t.equal(sdk2.replace(/^.*\n/, ''), quoted)
  t.match(quoted, /POST \/mcp cancel-order 403 scope: orders:write\n/)
  t.match(quoted, /token 200 scope: orders:read orders:write\nPOST \/mcp cancel-order 200\n/)
  // The client does not wait for the response to this request.
  const lines = sdk1.split('\n').filter((line) => line !== 'GET  /mcp 405')
  t.strictSame(lines.slice(1), [
    'POST /mcp 401 scope: orders:read orders:write',
    ...discovery,
    'POST /oauth2/default/v1/token 200 scope: orders:read orders:write',
    'POST /mcp 200',
    'POST /mcp 202',
    'POST /mcp 200',
    'result: [{"type":"text","text":"3 orders, counted for demo-client"}]',
    'POST /mcp 200',
    'result: [{"type":"text","text":"order 7 is canceled"}]',
  ])
  t.match(attack, /\nPOST \/mcp count-orders 400$/)
})

example(
  'metrics: counts accepted and rejected requests, and measures requests to the issuer',
  async (t) => {
    const { code, stdout, stderr } = await outcomeOf('metrics')
    t.equal(code, 0, stderr)
    t.match(stdout, /^resource_server_requests_accepted_total\{issuer="http:[^"]+"\} 4$/m)
    for (const [errorCode, check] of [
      ['invalid_dpop_proof', 'proof'],
      ['invalid_token', 'expiry'],
      ['missing_credentials', 'credentials'],
    ]) {
      t.match(
        stdout,
        `resource_server_requests_rejected_total{code="${errorCode}",check="${check}"} 1\n`,
      )
    }
    t.match(stdout, /^resource_server_dpop_replays_total 1$/m)
    t.match(stdout, /^resource_server_jwks_fetch_duration_seconds_count\{.*outcome="fetched"\} 1$/m)
    t.match(stdout, /^resource_server_jwks_fetch_duration_seconds_count\{.*outcome="failed"\} 1$/m)
    t.match(
      stdout,
      /^resource_server_introspection_duration_seconds_count\{.*outcome="active"\} 1$/m,
    )
    t.match(stdout, /^resource_server_jwks_usable_seconds\{.*\} 14[67]\d\d/m)
    t.match(stdout, /^resource_server_token_cache_hits_total 2$/m)
    t.match(stdout, /^resource_server_signature_verifications_total 4$/m)
    t.match(stdout, /^resource_server_decryptions_total 0$/m)
    for (const [outcome, count] of [
      ['accepted', 1],
      ['rejected', 1],
      ['failed', 0],
    ]) {
      t.match(stdout, `resource_server_logout_tokens_total{outcome="${outcome}"} ${count}\n`)
    }
    for (const [outcome, count] of [
      ['revoked', 1],
      ['rejected', 1],
      ['failed', 0],
    ]) {
      const series = `resource_server_security_events_total\\{issuer=".+",outcome="${outcome}"\\}`
      t.match(stdout, new RegExp(`^${series} ${count}$`, 'm'))
    }
    t.match(stdout, /^resource_server_security_events_silent\{issuer=".+"\} 0$/m)
    const [, seconds] = /^resource_server_security_events_last_timestamp_seconds\{.+\} (.+)$/m.exec(
      stdout,
    ) as unknown as [string, string]
    t.ok(Math.abs(Date.now() / 1000 - Number(seconds)) < 300)
  },
)

example('okta: gets a token by password and calls the API, with a server like Okta', async (t) => {
  const server = await createAuthorizationServer({ profile: 'okta' })
  t.teardown(() => server.close())
  const { code, stdout, stderr } = await run(fileOf('okta'), oktaEnvironment(server.issuer))
  t.equal(code, 0, stderr)
  t.match(stdout, 'got a bearer token for 3600 s')
  t.match(
    stdout,
    'GET /me 200 {"user":"testuser1@example.com","client":"demo-client","scope":["openid"]}',
  )
})

example('okta: names missing settings, and shows the error of the issuer', async (t) => {
  const missing = await run(fileOf('okta'))
  t.equal(missing.code, 2)
  t.match(missing.stderr, 'OKTA_ISSUER')

  const server = await createAuthorizationServer({ profile: 'okta' })
  t.teardown(() => server.close())
  const wrong = { ...oktaEnvironment(server.issuer), OKTA_PASSWORD: 'wrong-password' }
  const { code, stderr } = await run(fileOf('okta'), wrong)
  t.equal(code, 1)
  t.match(stderr, /invalid_grant/)
  t.notMatch(stderr, 'wrong-password')
})

example('mtls: accepts a bound token only with its certificate', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('mtls')
  t.equal(code, 0, stderr)
  t.match(stdout, /bound token, its client +200 \{"user":"ada"\}/)
  t.match(stdout, /bound token, stolen +401 .*"The access token is bound to a certificate that was/)
  t.match(stdout, /bound token, no certificate +401 .*error="invalid_token"/)
  t.match(stdout, /bound token, mtls required +200 in/)
  t.match(stdout, /bearer token, mtls allowed +200/)
  t.match(
    stdout,
    /bearer token, mtls required +401 .*"A certificate-bound access token is required/,
  )
})

example(
  'openapi: the document lists requirements and responses, and its page is public',
  async (t) => {
    const { code, stdout, stderr } = await outcomeOf('openapi')
    t.equal(code, 0, stderr)
    t.match(stdout, /GET \/orders +200 401 403 503 \[\{"accessToken":\["orders:read"\]\}\]/)
    t.match(
      stdout,
      /DELETE \/orders .* \[\{"accessToken":\["orders:write"\]\},\{"accessToken":\["admin"\]\}\]/,
    )
    t.match(stdout, /GET \/news +200 401 503 +\[\{\},\{"accessToken":\[\]\}\]/)
    t.match(stdout, /GET \/health +200 +undefined/)
    t.match(stdout, /the page: 200/)
  },
)

example('rate-limit: counts requests by client and rejections by address', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('rate-limit')
  t.equal(code, 0, stderr)
  t.match(stdout, /shop: +200 200\nshop: +200 429\ndesk: +200\n/)
  t.match(stdout, /unknown: {2}401 401\nunknown: {2}429 401\ndesk: +200\n/)
})

example(
  'readiness: is ready with keys, during an outage, and after a restart during one',
  async (t) => {
    const { code, stdout, stderr } = await outcomeOf('readiness')
    t.equal(code, 0, stderr)
    t.match(
      stdout,
      /starting +\/ready 503 \{"ready":false,"problems":\[\{"part":"issuer",.*no keys/,
    )
    t.match(stdout, /started +\/ready 200 \{"ready":true,"problems":\[\]\}/)
    t.match(stdout, /verified +\/ready 200/)
    t.match(stdout, /silent +\/ready 200 .*\{"part":"feed","name":"http.+no event was accepted/)
    t.match(stdout, /outage +\/ready 200/)
    t.match(stdout, /restarted +\/me +200/)
    t.match(stdout, /restarted +\/ready 200 \{"ready":true/)
    t.match(stdout, /restarted +\/live +200/)
  },
)

example('several-issuers: trusts each issuer for its own tokens only', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('several-issuers')
  t.equal(code, 0, stderr)
  t.match(stdout, /employees +\/payroll +200/)
  t.match(stdout, /partners +\/who +200 .*"from":"partners"/)
  t.match(stdout, /partners +\/payroll +403/)
  t.match(stdout, /untrusted +\/who +401/)
})

example(
  'tenants: trusts each issuer for its own tokens, until the tenant is removed',
  async (t) => {
    const { code, stdout, stderr } = await outcomeOf('tenants')
    t.equal(code, 0, stderr)
    t.match(stdout, /acme +200 \{"tenant":"Acme","subject":"ada"\}/)
    t.match(stdout, /globex +200 \{"tenant":"Globex","subject":"ada"\}/)
    t.match(
      stdout,
      /untrusted +401 .*"The access token is from an issuer that is not trusted here"/,
    )
    t.match(stdout, /acme as globex +401 .*"The access token is signed with an unknown key"/)
    t.match(stdout, /acme, removed +401 .*"The access token is from an issuer/)
    t.match(stdout, /lookups by the application: [3-9]\n/, 'not one for each request')
  },
)

example(
  'token-to-api: accepts the token with the required scope, and rejects one without',
  async (t) => {
    const { code, stdout, stderr } = await outcomeOf('token-to-api')
    t.equal(code, 0, stderr)
    t.match(stdout, /password grant: 200/)
    t.match(stdout, /without the scope: 403 .*scope="orders:read"/)
  },
)

example(
  'tracing: the span of a request names the client, or the reason of the rejection',
  async (t) => {
    const { code, stdout, stderr } = await outcomeOf('tracing')
    t.equal(code, 0, stderr)
    const [first, second, third, fourth, fifth, ...rest] = stdout.trim().split(/^(?=GET)/m)
    t.strictSame(rest, [])
    t.match(first, /"oauth\.client_id":"demo-client".*"status":200/)
    t.match(first, /^ {2}fetch keys .*"oauth\.outcome":"fetched"/m)
    t.match(second, /"status":200/)
    t.notMatch(second, 'fetch keys')
    t.match(third, /"status":200.*\n {2}introspect token .*"oauth\.outcome":"active"/)
    t.match(fourth, /"status":401.*\n {2}event: access token rejected .*"check":"audience"/)
    t.match(fifth, /"status":503/)
    t.match(fifth, /introspect token .*"oauth\.outcome":"failed".* responded with 500/)
  },
)

example(
  'under-pressure: is not ready without keys, and ready with cached keys in an outage',
  async (t) => {
    const { code, stdout, stderr } = await outcomeOf('under-pressure')
    t.equal(code, 0, stderr)
    t.match(stdout, /started in an outage: \/status 503 \/me 503/)
    t.match(stdout, /the issuer is back: +\/status 200 \/me 200/)
    t.match(stdout, /the next outage: +\/status 200 \/me 200/)
  },
)

example('websocket: rejects an upgrade without a valid token with 401', async (t) => {
  const { code, stdout, stderr } = await outcomeOf('websocket')
  t.equal(code, 0, stderr)
  t.match(stdout, /header: +welcome, ada/)
  t.match(stdout, /subprotocol: +welcome, ada/)
  t.match(stdout, /no token: +401 Bearer realm="api"\n/)
  t.match(stdout, /invalid token: +401 .*error="invalid_token"/)
})
