import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import t from 'tap'
import { createResourceServer } from '../../src/index.js'
import {
  type AuthorizationServerOptions,
  createAuthorizationServer,
  passwordGrant,
} from '../../src/testing/index.js'

const quick = { algorithm: 'ES256' } as const

t.test('starts with the paths of Okta, one confidential client and one user', async (t) => {
  await using server = await createAuthorizationServer()
  t.match(server, {
    url: /^http:\/\/127\.0\.0\.1:\d+$/,
    issuer: `${server.url}/oauth2/default`,
    authorizationEndpoint: `${server.url}/oauth2/default/v1/authorize`,
    registrationEndpoint: `${server.url}/oauth2/default/v1/clients`,
    tokenEndpoint: `${server.url}/oauth2/default/v1/token`,
    introspectionEndpoint: `${server.url}/oauth2/default/v1/introspect`,
    revocationEndpoint: `${server.url}/oauth2/default/v1/revoke`,
    endSessionEndpoint: `${server.url}/oauth2/default/v1/logout`,
    jwksUri: `${server.url}/oauth2/default/v1/keys`,
    audience: 'api://default',
  })
  t.match(server.keySet(), { keys: [{ kty: 'RSA', alg: 'RS256', use: 'sig', kid: String }] })
  await t.resolves(
    passwordGrant({
      issuer: server.issuer,
      clientId: 'demo-client',
      clientSecret: 'demo-secret',
      username: 'testuser1@example.com',
      password: 'demo-password',
    }),
  )
})

t.test('keeps idle connections open longer than a busy machine pauses', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const { headers } = await fetch(server.jwksUri)
  t.equal(headers.get('keep-alive'), 'timeout=60')
})

const confidential = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

for (const issuerPath of ['/oauth2/default', '/a', '/a/', '', '/']) {
  for (const algorithm of ['oidc', 'oauth2'] as const) {
    t.test(`publishes metadata for the path "${issuerPath}" (${algorithm})`, async (t) => {
      await using server = await createAuthorizationServer({ ...quick, issuerPath })
      const issuer = new URL(server.issuer)
      const response = await oauth.discoveryRequest(issuer, {
        algorithm,
        [oauth.allowInsecureRequests]: true,
      })
      t.equal(response.headers.get('cache-control'), 'no-store')
      t.equal(response.headers.get('content-type'), 'application/json')
      const metadata = await oauth.processDiscoveryResponse(issuer, response)
      const algorithms = metadata.token_endpoint_auth_signing_alg_values_supported
      t.ok(algorithms?.includes('ES256'))
      t.equal(server.issuer, `${server.url}${issuerPath}`)
      t.same(metadata, {
        issuer: server.issuer,
        authorization_endpoint: server.authorizationEndpoint,
        token_endpoint: server.tokenEndpoint,
        introspection_endpoint: server.introspectionEndpoint,
        revocation_endpoint: server.revocationEndpoint,
        jwks_uri: server.jwksUri,
        grant_types_supported: [
          'authorization_code',
          'refresh_token',
          'client_credentials',
          'password',
          'urn:ietf:params:oauth:grant-type:token-exchange',
        ],
        registration_endpoint: server.registrationEndpoint,
        response_types_supported: ['code'],
        response_modes_supported: ['query', 'fragment'],
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
        prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
        scopes_supported: [
          'openid',
          'profile',
          'email',
          'offline_access',
          'orders:read',
          'orders:write',
        ],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        token_endpoint_auth_methods_supported: [...confidential, 'none'],
        token_endpoint_auth_signing_alg_values_supported: algorithms,
        introspection_endpoint_auth_methods_supported: confidential,
        introspection_endpoint_auth_signing_alg_values_supported: algorithms,
        introspection_signing_alg_values_supported: ['ES256'],
        userinfo_endpoint: server.userInfoEndpoint,
        end_session_endpoint: server.endSessionEndpoint,
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        revocation_endpoint_auth_methods_supported: [...confidential, 'none'],
        revocation_endpoint_auth_signing_alg_values_supported: algorithms,
        dpop_signing_alg_values_supported: algorithms,
        claims_supported: metadata.claims_supported,
      })
    })
  }
}

t.test('publishes the key set with its max-age', async (t) => {
  await using server = await createAuthorizationServer({ ...quick, keySetMaxAge: 7 })
  const response = await fetch(server.jwksUri)
  t.equal(response.headers.get('cache-control'), 'public, max-age=7')
  const keySet = (await response.json()) as { keys: object[] }
  t.same(keySet, server.keySet())
  t.notOk('d' in (keySet.keys[0] ?? {}), 'no private key is published')
  await using usual = await createAuthorizationServer(quick)
  const { headers } = await fetch(usual.jwksUri, { method: 'HEAD' })
  t.equal(headers.get('cache-control'), 'public, max-age=300')
})

t.test('counts requests by endpoint, and resets the counts on demand', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const { issuer, url, jwksUri, tokenEndpoint } = server
  const idle = { introspection: 0, revocation: 0, logout: 0, streams: 0, poll: 0 }
  const zero = { ...idle, discovery: 0, jwks: 0, token: 0, other: 0 }
  t.same(server.requests, zero)
  await fetch(`${issuer}/.well-known/openid-configuration?x=1`)
  await fetch(`${url}/.well-known/oauth-authorization-server/oauth2/default`)
  await fetch(jwksUri)
  const wrongMethod = await fetch(tokenEndpoint)
  t.equal(wrongMethod.status, 405)
  t.equal(wrongMethod.headers.get('allow'), 'POST')
  t.match(await wrongMethod.json(), { error: 'invalid_request' })
  const nothing = await fetch(`${url}/nothing`)
  t.equal(nothing.status, 404)
  t.match(await nothing.json(), { error: 'not_found' })
  const before = server.requests
  t.same(before, { ...idle, discovery: 2, jwks: 1, token: 1, other: 1 })
  server.resetRequests()
  t.same(server.requests, zero)
  t.same(
    before,
    { ...idle, discovery: 2, jwks: 1, token: 1, other: 1 },
    'a snapshot does not change',
  )
})

t.test('rotates its keys and keeps the previous one published', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const [first] = server.keySet().keys
  const old = await server.issueToken()
  const kid = await server.rotateKeys()
  t.not(kid, first?.kid)
  t.same(
    server.keySet().keys.map((key) => key.kid),
    [first?.kid, kid],
  )
  const keys = createRemoteJWKSet(new URL(server.jwksUri))
  const { protectedHeader } = await jwtVerify(await server.issueToken(), keys)
  t.equal(protectedHeader.kid, kid)
  await t.resolves(jwtVerify(old, keys))
})

t.test('rotates to another algorithm and removes the previous keys', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const old = await server.issueToken()
  const kid = await server.rotateKeys({ keepOld: false, algorithm: 'EdDSA' })
  t.match(server.keySet().keys, [{ kid, kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA' }])
  t.equal(server.keySet().keys.length, 1)
  const keys = createRemoteJWKSet(new URL(server.jwksUri))
  await t.rejects(jwtVerify(old, keys), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
  const { protectedHeader } = await jwtVerify(await server.issueToken(), keys)
  t.match(protectedHeader, { kid, alg: 'EdDSA' })
  await server.rotateKeys()
  t.match(server.keySet().keys.at(-1), { alg: 'EdDSA' }, 'the algorithm is unchanged')
})

t.test('rejects invalid options of a rotation and of a token', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const rotations: [object, RegExp][] = [
    [{ keepold: false }, /Did you mean "keepOld"\?/],
    [{ keepOld: 'no' }, /^"keepOld" must be true or false$/],
    [{ algorithm: 'HS256' }, /^"algorithm" must be one of /],
    [{ algorithm: null }, /^"algorithm" must be one of /],
    [[], /^The options of rotateKeys must be an object$/],
  ]
  for (const [options, message] of rotations) {
    await t.rejects(server.rotateKeys(options), { name: 'TypeError', message })
  }
  const tokens: [object, RegExp][] = [
    [{ algorithm: 'HS256' }, /^"algorithm" must be one of /],
    [{ expiresIn: 'x' }, /^"expiresIn" must be a number of seconds$/],
    [{ expiresIn: Number.NaN }, /^"expiresIn" must be a number of seconds$/],
    [{ expiresIn: '60' }, /^"expiresIn" must be a number of seconds$/],
  ]
  for (const [options, message] of tokens) {
    await t.rejects(server.issueToken({}, options), { name: 'TypeError', message })
  }
  t.equal(server.keySet().keys.length, 1, 'no key is generated for a rejected call')
})

t.test('keeps the newest 50 keys over many rotations', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const { issuer, audience } = server
  const api = await createResourceServer({ issuer, audience: audience as string })
  t.teardown(() => api.close())
  const first = await server.issueToken()
  await api.verify(first)
  let newest = ''
  for (let rotation = 1; rotation <= 500; rotation++) {
    newest = await server.rotateKeys()
    t.equal(server.keySet().keys.length, Math.min(rotation + 1, 50))
    if (rotation % 100 > 0) continue
    await api.refreshKeys()
    await t.resolves(api.verify(await server.issueToken()))
  }
  t.equal(server.keySet().keys.at(-1)?.kid, newest)
  await t.rejects(api.verify(first), { code: 'invalid_token', check: 'key' })
  await server.rotateKeys({ keepOld: false })
  t.equal(server.keySet().keys.length, 1)
})

t.test('publishes a key of the test beside its own, until a rotation removes it', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const mine = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(mine.publicKey)), kid: 'mine', alg: 'RS256' }
  server.publishKey(jwk)
  jwk.kid = 'other'
  server.publishKey({ kty: 'RSA', n: 'AQAB', e: 'AQAB', use: 'enc' })
  t.match(server.keySet().keys, [{ alg: 'ES256' }, { kid: 'mine' }, { n: 'AQAB', use: 'enc' }])
  const token = await new SignJWT({ iss: server.issuer })
    .setProtectedHeader({ alg: 'RS256', kid: 'mine' })
    .sign(mine.privateKey)
  await t.resolves(jwtVerify(token, createRemoteJWKSet(new URL(server.jwksUri))))
  const metadata = await fetch(`${server.issuer}/.well-known/openid-configuration`)
  t.match(await metadata.json(), { id_token_signing_alg_values_supported: ['ES256', 'RS256'] })

  await server.rotateKeys()
  t.equal(server.keySet().keys.length, 4, 'a rotation keeps it')
  await server.rotateKeys({ keepOld: false })
  t.equal(server.keySet().keys.length, 1)
})

t.test('rejects a private key, and a value that is not a key', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  for (const jwk of [await exportJWK(privateKey), { kty: 'oct', k: 'c2VjcmV0' }]) {
    t.throws(() => server.publishKey(jwk), { name: 'TypeError', message: /without private/ })
  }
  for (const jwk of [undefined, null, [], 'key', {}, { kty: 1 }]) {
    t.throws(() => server.publishKey(jwk as never), { name: 'TypeError', message: /as a JWK/ })
  }
  t.equal(server.keySet().keys.length, 1)
})

t.test('is not affected by changes to the returned key set', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const [key] = server.keySet().keys
  if (key) key.kid = 'other'
  server.keySet().keys.pop()
  t.not(server.keySet().keys[0]?.kid, 'other')
})

t.test('closes immediately with requests in flight, and repeatedly', async (t) => {
  const server = await createAuthorizationServer(quick)
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {})
  socket.write(
    'POST /oauth2/default/v1/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\ngr',
  )
  const closed = new Promise((resolve) => socket.on('close', resolve))
  await Promise.all([server.close(), server.close()])
  await server[Symbol.asyncDispose]()
  await closed
  await t.rejects(fetch(server.jwksUri))
})

t.test('survives a client that disconnects during its request', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  await once(socket, 'connect')
  const type = 'Content-Type: application/x-www-form-urlencoded'
  socket.write(
    `POST /oauth2/default/v1/token HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: 9\r\n\r\ngr`,
  )
  while (server.requests.token === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  socket.destroy()
  await once(socket, 'close')
  t.equal((await fetch(server.jwksUri)).status, 200)
})

t.test('responds with 400 to malformed HTTP, and 404 to a target that is not a path', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const port = Number(new URL(server.url).port)
  t.match(await raw(port, 'rubbish\r\n\r\n'), /^HTTP\/1\.1 400 /)
  t.match(
    await raw(port, 'GET // HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    / 404 /,
  )
  t.match(
    await raw(port, 'GET http://x/y HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    / 404 /,
  )
})

async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end(text)
  let response = ''
  for await (const chunk of socket) response += chunk
  return response
}

t.test('responds with 421 to a foreign Host, and normally to every loopback name', async (t) => {
  for (const host of ['127.0.0.1', 'localhost', '::1']) {
    await using server = await createAuthorizationServer({ ...quick, host })
    const { port } = new URL(server.url)
    const path = new URL(server.jwksUri).pathname
    const statusFor = (name: string, target = path) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { host: name }
        request({ host, port, path: target, headers, agent: false }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
          .on('error', reject)
          .end()
      })
    const loopbackNames = [
      'localhost',
      'LOCALHOST',
      '127.0.0.1',
      '127.0.0.2',
      '[::1]',
      'api.localhost',
    ]
    for (const name of loopbackNames) {
      t.equal(await statusFor(`${name}:${port}`), 200, name)
      t.equal(await statusFor(name), 200, name)
    }
    server.resetRequests()
    const foreign = [
      'attacker.example',
      'localhost.attacker.example',
      '127.0.0.1.attacker.example',
      'localhost@attacker.example',
      'attacker.example#@localhost',
      'attacker.example/@localhost',
      'localhost\\@attacker.example',
      'attacker.example@localhost',
      'localhost,attacker.example',
      '0.0.0.0',
      '192.168.0.1',
      '[::]',
      'localhost.',
    ]
    for (const name of foreign) t.equal(await statusFor(`${name}:${port}`), 421, name)
    t.equal(await statusFor('attacker.example', `http://localhost:${port}${path}`), 421)
    t.match(server.requests, { jwks: 0, other: foreign.length + 1 })
    server.fail('oversized')
    t.equal(await statusFor('attacker.example'), 421, 'faults are for the endpoints')
  }
  await using server = await createAuthorizationServer(quick)
  const port = Number(new URL(server.url).port)
  t.match(await raw(port, 'GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'), / 421 /)
  t.match(await raw(port, 'GET / HTTP/1.0\r\n\r\n'), / 421 /)
})

t.test('is reachable from other machines only with dangerouslyAllowRemote', async (t) => {
  const dangerouslyAllowRemote = true
  const statusFor = (url: string, name: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(url, { headers: { host: name }, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
  await using server = await createAuthorizationServer({
    ...quick,
    host: '0.0.0.0',
    publicUrl: 'http://auth:9000',
    dangerouslyAllowRemote,
    port: 0,
  })
  t.equal(server.issuer, 'http://auth:9000/oauth2/default')
  t.equal(server.jwksUri, 'http://auth:9000/oauth2/default/v1/keys')
  t.equal(server.url, 'http://auth:9000')
  for (const [host, url] of [
    ['0.0.0.0', /^http:\/\/127\.0\.0\.1:\d+$/],
    ['::', /^http:\/\/\[::1\]:\d+$/],
    ['localhost', /^http:\/\/localhost:\d+$/],
  ] as const) {
    await using all = await createAuthorizationServer({ ...quick, host, dangerouslyAllowRemote })
    t.match(all.url, url)
    for (const name of ['localhost', '192.168.0.1:80', '[2001:db8::1]']) {
      t.equal(await statusFor(all.jwksUri, name), 200, name)
    }
    for (const name of ['attacker.example', 'auth', '192.168.0.1.attacker.example']) {
      t.equal(await statusFor(all.jwksUri, name), 421, 'DNS rebinding')
    }
  }
  const own = { ...quick, host: '127.0.0.1', publicUrl: 'http://auth:9000', dangerouslyAllowRemote }
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await using named = await createAuthorizationServer({ ...own, port })
  t.equal(
    await statusFor(`http://127.0.0.1:${port}${new URL(named.jwksUri).pathname}`, 'auth'),
    200,
  )
  for (const [options, expected] of [
    [{ host: '0.0.0.0' }, '"host" must be a loopback host name or address, unless'],
    [{ host: '192.168.0.1', dangerouslyAllowRemote: 'yes' }, '"host" must be a loopback'],
    [{ host: 'a/b', dangerouslyAllowRemote }, '"host" must be a host name or address of this'],
    [{ host: 'a b', dangerouslyAllowRemote }, '"host" must be a host name or address of this'],
    [{ publicUrl: 'http://auth:9000' }, 'needs "dangerouslyAllowRemote"'],
    [{ publicUrl: 'http://auth/x', dangerouslyAllowRemote }, '"publicUrl" must be an http'],
    [{ publicUrl: 'auth:9000', dangerouslyAllowRemote }, '"publicUrl" must be an http'],
  ] as const) {
    await t.rejects(createAuthorizationServer({ ...quick, ...options } as never), {
      name: 'TypeError',
      message: expected,
    })
  }
})

t.test('does not run in production without its option', async (t) => {
  const before = process.env.NODE_ENV
  t.teardown(() => {
    if (before === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = before
  })
  process.env.NODE_ENV = 'production'
  for (const dangerouslyAllowProduction of [undefined, false, 'yes', 1]) {
    await t.rejects(
      createAuthorizationServer({ ...quick, dangerouslyAllowProduction } as never),
      /NODE_ENV=production unless "dangerouslyAllowProduction" is true: .*public knowledge/,
    )
  }
  const allowed = await createAuthorizationServer({ ...quick, dangerouslyAllowProduction: true })
  await allowed.close()
})

t.test('follows a clock that is mocked after its start', async (t) => {
  await using server = await createAuthorizationServer(quick)
  t.intercept(Date, 'now', { value: () => 1_000_000_000_000 })
  const [, payload = ''] = (await server.issueToken()).split('.')
  t.equal(JSON.parse(Buffer.from(payload, 'base64url').toString()).iat, 1_000_000_000)
})

t.test('responds with 500 without details if its clock throws', async (t) => {
  const now = () => {
    throw new Error('no clock')
  }
  const clients = [{ clientId: 'cli' }]
  await using server = await createAuthorizationServer({ ...quick, now, clients })
  const body = new URLSearchParams({ client_id: 'cli', grant_type: 'password' })
  const response = await fetch(server.tokenEndpoint, { method: 'POST', body })
  t.equal(response.status, 500)
  t.same(await response.json(), { error: 'server_error' })
})

t.test('rejects if the port is in use', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const port = Number(new URL(server.url).port)
  await t.rejects(createAuthorizationServer({ ...quick, port }), { code: 'EADDRINUSE' })
})

t.test('listens on other loopback names', async (t) => {
  for (const host of ['localhost', '::1']) {
    await using server = await createAuthorizationServer({ ...quick, host, issuerPath: '' })
    t.equal(new URL(server.url).hostname, host === '::1' ? '[::1]' : host)
    t.equal((await fetch(server.jwksUri)).status, 200)
  }
})

t.test('names the invalid option', async (t) => {
  const cases: [unknown, RegExp][] = [
    [null, /options of createAuthorizationServer must be an object/],
    [{ users: undefined, prot: 1 }, /Unknown option "prot" of createAuthorizationServer/],
    [{ port: -1 }, /"port" must be/],
    [{ port: 65_536 }, /"port" must be/],
    [{ host: '192.0.2.1' }, /"host" must be a loopback/],
    [{ host: 'a b' }, /"host" must be a loopback/],
    [{ issuerPath: 'oauth2' }, /"issuerPath" must be/],
    [{ issuerPath: '/oauth2//' }, /"issuerPath" must be/],
    [{ issuerPath: 1 }, /"issuerPath" must be/],
    [{ audience: '' }, /"audience" must be/],
    [{ audience: [] }, /"audience" must be/],
    [{ audience: [1] }, /"audience" must be/],
    [{ users: {} }, /"users" must be/],
    [{ clients: {} }, /"clients" must be/],
    [{ clients: [] }, /"clients" must be/],
    [{ profile: 'ping' }, /"profile" must be one of standard, okta, auth0, entra, entra-v1/],
    [{ profile: 'toString' }, /"profile" must be/],
    [{ profile: 5 }, /"profile" must be/],
    [{ accessTokenFormat: 'JWT' }, /"accessTokenFormat" must be "jwt" or "opaque"/],
    [{ algorithm: 'HS256' }, /"algorithm" must be one of RS256/],
    [{ accessTokenLifetime: 0 }, /"accessTokenLifetime" must be/],
    [{ keySetMaxAge: -1 }, /"keySetMaxAge" must be/],
    [{ keySetMaxAge: '5' }, /"keySetMaxAge" must be/],
    [{ now: 5 }, /"now" must be/],
    [{ scope: 'a\\b' }, /"scope" must be/],
    [{ users: [5] }, /options of an entry of "users" must be an object/],
    [{ users: [{ username: 'u' }] }, /"users\[\].password" must be/],
    [{ users: [{ username: '', password: 'p' }] }, /"users\[\].username" must be/],
    [{ users: [{ username: 'u', password: 'p', sub: '' }] }, /"users\[\].sub" must be/],
    [{ users: [{ username: 'u', password: 'p', scope: 5 }] }, /"users\[\].scope" must be/],
    [{ clients: [{ clientId: 1 }] }, /"clients\[\].clientId" must be/],
    [
      { clients: [{ clientId: 'c', secret: 'x' }] },
      /Unknown option "secret" of an entry of "clients"/,
    ],
    [{ clients: [{ clientId: 'c', clientSecret: '' }] }, /"clients\[\].clientSecret" must be/],
    [{ clients: [{ clientId: 'c', scope: 'a"' }] }, /"clients\[\].scope" must be/],
    [{ clients: [{ clientId: 'c', grantTypes: 'password' }] }, /"clients\[\].grantTypes" must be/],
    [{ clients: [{ clientId: 'c', grantTypes: ['implicit'] }] }, /"clients\[\].grantTypes" must/],
  ]
  for (const [options, message] of cases) {
    const starting = createAuthorizationServer(options as AuthorizationServerOptions)
    await t.rejects(starting, { name: 'TypeError', message })
  }
})
