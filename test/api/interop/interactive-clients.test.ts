/**
 * Clients of other projects log a user in at the embedded server: the official MCP clients, which
 * register themselves, and openid-client. The test plays the browser.
 */
import * as sdk2 from '@modelcontextprotocol/client'
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import * as sdk1 from '@modelcontextprotocol/sdk/client/index.js'
import * as sdk1Http from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import Fastify from 'fastify'
import { decodeJwt } from 'jose'
import * as openid from 'openid-client'
import t, { type Test } from 'tap'
import resourceServer from '../../../src/index.js'
import { createAuthorizationServer, testUser } from '../../../src/testing/index.js'
import { freePort } from '../../fixtures/free-port.js'
import { declareMcpRoutes } from '../../fixtures/mcp-routes.js'
import { Browser } from '../../testing/fixtures/browser.js'

const REDIRECT_URI = 'http://localhost:6274/oauth/callback'

/** An MCP server, and the authorization server of its metadata. */
async function start(t: Test) {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const port = await freePort()
  const resource = `http://127.0.0.1:${port}/mcp`
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  await app.register(resourceServer, {
    issuer: issuer.issuer,
    audience: resource,
    resourceMetadata: { resource, scopes: ['orders:read'] },
  })
  const calls = declareMcpRoutes(app, resource)
  await app.listen({ host: '127.0.0.1', port })
  return { issuer, resource, calls }
}

type ClientInformation = Awaited<ReturnType<sdk2.OAuthClientProvider['clientInformation']>>

/** What an editor or another interactive client remembers, as the interfaces of both SDKs demand. */
class Editor {
  readonly redirectUrl = REDIRECT_URI
  readonly clientMetadata = {
    client_name: 'Test editor',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }
  readonly browser = new Browser()
  /** The URLs that the editor opened in the browser. */
  readonly opened: URL[] = []
  #client: ClientInformation
  #tokens: sdk2.OAuthTokens | undefined
  #verifier = ''

  state() {
    return 'state-of-the-editor'
  }
  clientInformation() {
    return this.#client
  }
  saveClientInformation(client: ClientInformation) {
    this.#client = client
  }
  tokens() {
    return this.#tokens
  }
  saveTokens(tokens: sdk2.OAuthTokens) {
    this.#tokens = tokens
  }
  codeVerifier() {
    return this.#verifier
  }
  saveCodeVerifier(verifier: string) {
    this.#verifier = verifier
  }
  redirectToAuthorization(url: URL) {
    this.opened.push(url)
  }

  /** The user logs in and allows the last request. Returns the parameters of the response. */
  async allow(): Promise<URLSearchParams> {
    const location = await this.browser.allow(`${this.opened.at(-1)}`, testUser.username)
    t.equal(`${location.origin}${location.pathname}`, REDIRECT_URI)
    t.equal(location.searchParams.get('state'), this.state())
    return location.searchParams
  }
}

t.test('the client of MCP SDK 2 registers itself, logs in, and calls tools', async (t) => {
  const { issuer, resource, calls } = await start(t)
  const editor = new Editor()
  const transport = () =>
    new sdk2.StreamableHTTPClientTransport(new URL(resource), { authProvider: editor })
  const client = () => {
    const info = { name: 'test', version: '2.0.0' }
    return new sdk2.Client(info, { versionNegotiation: { mode: 'auto' } })
  }
  const first = transport()
  await t.rejects(client().connect(first), { name: 'UnauthorizedError' })
  const [url] = editor.opened
  t.match(Object.fromEntries(url?.searchParams ?? []), {
    code_challenge_method: 'S256',
    resource,
    scope: /orders:read/,
  })
  await first.finishAuth(await editor.allow())
  t.match(decodeJwt(`${editor.tokens()?.access_token}`), {
    sub: testUser.username,
    aud: resource,
    client_id: editor.clientInformation()?.client_id,
  })

  const connected = client()
  t.teardown(() => connected.close())
  const second = transport()
  await connected.connect(second)
  await connected.callTool({ name: 'count' })
  t.match(calls, [{ name: 'count', subject: testUser.username }])

  // Another tool requires more scope: the user allows it, without another login.
  await t.rejects(connected.callTool({ name: 'cancel' }), { name: 'UnauthorizedError' })
  t.match(editor.opened.at(-1)?.searchParams.get('scope'), /orders:write/)
  await second.finishAuth(await editor.allow())
  await connected.callTool({ name: 'cancel' })
  t.match(calls, [{ name: 'count' }, { name: 'cancel', subject: testUser.username }])

  // After the access token has gone, the client refreshes without the user.
  const { refresh_token } = editor.tokens() as sdk2.OAuthTokens
  t.type(refresh_token, 'string', 'without offline_access in the request')
  editor.saveTokens({ ...(editor.tokens() as sdk2.OAuthTokens), access_token: 'expired' })
  await connected.callTool({ name: 'count' })
  t.not(editor.tokens()?.refresh_token, refresh_token)
  t.equal(editor.opened.length, 2)
  t.match(issuer.requests, { token: 3 })
})

t.test('the client of MCP SDK 1 registers itself, logs in, and calls tools', async (t) => {
  const { resource, calls } = await start(t)
  const editor = new Editor()
  const transport = () =>
    new sdk1Http.StreamableHTTPClientTransport(new URL(resource), {
      authProvider: editor as OAuthClientProvider,
    })
  const first = transport()
  const info = { name: 'test', version: '1.0.0' }
  await t.rejects(new sdk1.Client(info).connect(first), { message: 'Unauthorized' })
  await first.finishAuth(`${(await editor.allow()).get('code')}`)
  const client = new sdk1.Client(info)
  t.teardown(() => client.close())
  await client.connect(transport())
  await client.callTool({ name: 'cancel' })
  t.match(calls, [{ name: 'cancel', subject: testUser.username }])
})

t.test('an MCP client gets no tokens if the user denies the access', async (t) => {
  const { resource } = await start(t)
  const editor = new Editor()
  const transport = new sdk2.StreamableHTTPClientTransport(new URL(resource), {
    authProvider: editor,
  })
  const client = new sdk2.Client({ name: 'test', version: '2.0.0' })
  await t.rejects(client.connect(transport))
  const { browser } = editor
  const consent = await browser.submit(await browser.open(`${editor.opened[0]}`), {
    user: testUser.username,
  })
  const { location } = await browser.submit(consent, { decision: 'deny' })
  await t.rejects(transport.finishAuth(location?.searchParams ?? new URLSearchParams()))
  t.equal(editor.tokens(), undefined)
})

t.test('openid-client logs in with PKCE, refreshes, and logs out', async (t) => {
  const redirect_uri = 'http://127.0.0.1:5173/callback'
  await using issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  const config = await openid.dynamicClientRegistration(
    new URL(issuer.issuer),
    {
      redirect_uris: [redirect_uri],
      post_logout_redirect_uris: ['http://127.0.0.1:5173/'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    undefined,
    { execute: [openid.allowInsecureRequests] },
  )
  const verifier = openid.randomPKCECodeVerifier()
  const nonce = openid.randomNonce()
  const state = openid.randomState()
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri,
    scope: 'openid email offline_access orders:read',
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce,
    state,
    max_age: '300',
  })
  const browser = new Browser()
  const callback = await browser.allow(url.href, testUser.username)
  const checks = { expectedNonce: nonce, expectedState: state, pkceCodeVerifier: verifier }
  const tokens = await openid.authorizationCodeGrant(config, callback, { ...checks, maxAge: 300 })
  t.match(tokens.claims(), { sub: testUser.username, email: testUser.username, nonce })

  const userInfo = await openid.fetchUserInfo(config, tokens.access_token, testUser.username)
  t.strictSame(userInfo, { sub: testUser.username, email: testUser.username })

  const refreshed = await openid.refreshTokenGrant(config, `${tokens.refresh_token}`)
  t.match(refreshed.claims(), { sub: testUser.username })
  const reused = openid.refreshTokenGrant(config, `${tokens.refresh_token}`)
  t.match(await reused.catch((error) => error), { error: 'invalid_grant' })

  const logout = openid.buildEndSessionUrl(config, {
    id_token_hint: `${tokens.id_token}`,
    post_logout_redirect_uri: 'http://127.0.0.1:5173/',
  })
  t.equal((await browser.open(logout.href)).location?.href, 'http://127.0.0.1:5173/')
  t.match((await browser.open(url.href)).text, '<h1>Log in</h1>')

  // RFC 9207: openid-client rejects a response of another server.
  const mixed = new URL(callback)
  mixed.searchParams.set('iss', 'https://evil.example')
  await t.rejects(openid.authorizationCodeGrant(config, mixed, checks))
})
