/** `serve` runs the embedded server until a signal. */
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { decodeProtectedHeader } from 'jose'
import t from 'tap'
import { literal } from '../../src/cli/serve/app-options.js'
import {
  type AccessToken,
  createResourceServer,
  type ResourceServerOptions,
} from '../../src/index.js'
import { TOKEN_PROFILES } from '../../src/testing/authorization-server/tokens/token-profiles.js'
import { passwordGrant, type TestUser, testClient, testUser } from '../../src/testing/index.js'
import { authorizationUrl, CALLBACK, pkce, redeem } from '../testing/fixtures/authorization.js'
import { Browser } from '../testing/fixtures/browser.js'
import { BUILT, runBuilt, runHere } from './fixtures/run.js'

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  t.test(`the built command serves a token to its curl line, and stops on ${signal}`, async (t) => {
    const child = spawn(process.execPath, [BUILT, 'serve', '--profile', 'okta'])
    t.teardown(() => child.kill('SIGKILL'))
    let stdout = ''
    for await (const chunk of child.stdout) {
      stdout += chunk
      if (stdout.includes('Ctrl+C')) break
    }
    const endpoint = /http:\/\/127\.0\.0\.1:\d+\/oauth2\/default\/v1\/token/.exec(stdout)?.[0]
    const credentials = /-u (\S+)/.exec(stdout)?.[1] as string
    const form = new URLSearchParams(
      [...stdout.matchAll(/ -d (?:'([^']+)'|(\w+)='([^']+)'|(\S+))/g)].map(
        ([, , name, value, plain]) => (plain?.split('=') ?? [name, value]) as [string, string],
      ),
    )
    const response = await fetch(endpoint as string, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
      body: form,
    })
    t.match(await response.json(), { access_token: String, scope: 'openid orders:read' })
    child.kill(signal)
    t.strictSame(await once(child, 'exit'), [0, null])
  })
}

t.test('prints its connection details as JSON, and applies its flags', async (t) => {
  const signals = new EventEmitter()
  const args = [
    'serve',
    '--json',
    '--algorithm',
    'ES256',
    '--audience',
    'api://mine',
    '--profile',
    'keycloak',
    '--access-token-lifetime',
    '60',
    '--access-token-format',
    'jwt',
  ]
  let metadata: Promise<unknown> | undefined
  const { code, stdout } = await runHere(args, {
    signals,
    onOutput(text) {
      const { issuer } = JSON.parse(text)
      metadata = fetch(`${issuer}/.well-known/openid-configuration`)
        .then((response) => response.json())
        .finally(() => signals.emit('SIGTERM'))
    },
  })
  t.equal(code, 0)
  const details = JSON.parse(stdout)
  t.match(details, {
    audience: 'api://mine',
    clientId: 'demo-client',
    username: 'testuser1@example.com',
  })
  t.match(details.issuer, /^http:\/\/127\.0\.0\.1:\d+\/realms\/demo$/)
  t.match(await metadata, { issuer: details.issuer, jwks_uri: details.jwksUri })
  await t.rejects(fetch(details.issuer), 'the server has stopped')
  t.strictSame(signals.eventNames(), [], 'the listeners are removed')
})

t.test('logs a user in for the clients of --redirect-uri', async (t) => {
  const signals = new EventEmitter()
  const { verifier, challenge } = pkce()
  const bye = 'http://localhost:5173/'
  let tokens: Promise<Record<string, string>[]> | undefined
  const logIn = async (text: string) => {
    const { authorizationEndpoint, tokenEndpoint, publicClientId, ...details } = JSON.parse(text)
    const { clientId, clientSecret: client_secret } = details
    const granted: Record<string, string>[] = []
    for (const client of [{ client_id: publicClientId }, { client_id: clientId, client_secret }]) {
      const { client_id } = client
      const scope = 'openid offline_access'
      const url = authorizationUrl(authorizationEndpoint, challenge, { client_id, scope })
      const location = await new Browser().allow(url, testUser.username)
      const code = location.searchParams.get('code')
      granted.push((await redeem(tokenEndpoint, code, verifier, client)).body)
    }
    return granted
  }
  const flags = ['--redirect-uri', CALLBACK, '--post-logout-redirect-uri', bye]
  const { code, stdout } = await runHere(['serve', '--json', ...flags], {
    signals,
    onOutput: (text) => {
      tokens = logIn(text).finally(() => signals.emit('SIGTERM'))
    },
  })
  t.equal(code, 0)
  t.match(JSON.parse(stdout), { publicClientId: 'demo-app', registrationEndpoint: /\/clients$/ })
  const all = { access_token: String, id_token: String, refresh_token: String }
  t.match(await tokens, [all, all])
})

t.test('sends a logout token when a session ends', async (t) => {
  const received: string[] = []
  const client = createServer(async (request, response) => {
    for await (const chunk of request) received.push(`${chunk}`)
    response.end()
  }).listen(0, '127.0.0.1')
  await once(client, 'listening')
  t.teardown(() => client.close())
  const uri = `http://127.0.0.1:${(client.address() as AddressInfo).port}/logout`
  const signals = new EventEmitter()
  let ended: Promise<unknown> | undefined
  const { code } = await runHere(['serve', '--json', '--backchannel-logout-uri', uri], {
    signals,
    onOutput(text) {
      const { issuer, endSessionEndpoint } = JSON.parse(text)
      ended = passwordGrant({ issuer, ...testClient, ...testUser, scope: 'openid' })
        .then(({ id_token }) => fetch(`${endSessionEndpoint}?id_token_hint=${id_token}`))
        .then((response) => response.json())
        .finally(() => signals.emit('SIGTERM'))
    },
  })
  t.equal(code, 0)
  t.strictSame(await ended, { logout_tokens: [{ client_id: 'demo-client', uri, status: 200 }] })
  t.match(received, [/^logout_token=eyJ/])
})

t.test('serves the users of the flags, with their groups, roles and claims', async (t) => {
  const serve = async (profile: string, ...flags: string[]) => {
    const signals = new EventEmitter()
    let tokens: Promise<AccessToken[]> | undefined
    const { code, stdout } = await runHere(['serve', '--json', '--profile', profile, ...flags], {
      signals,
      onOutput(text) {
        const { users, options } = JSON.parse(text)
        tokens = tokensOf(users, options).finally(() => signals.emit('SIGTERM'))
      },
    })
    t.equal(code, 0)
    return { tokens: (await tokens) ?? [], details: JSON.parse(stdout) }
  }
  // The API has the options that the command prints.
  const tokensOf = async (users: TestUser[], options: ResourceServerOptions) => {
    const api = await createResourceServer(options)
    const { issuer } = options as { issuer: string }
    return Promise.all(
      users.map(async ({ username, password }) => {
        const grant = { issuer, ...testClient, username, password, scope: 'openid orders:read' }
        return api.verify((await passwordGrant(grant)).access_token)
      }),
    )
  }
  const flags = ['--user', 'ada l', '--group', 'Admins', '--group', 'Staff', '--role', 'editor']
  const more = ['--claim', 'tenant=acme', '--claim', 'sub="00u1"', '--user', 'bob']
  const profiles = Object.keys(TOKEN_PROFILES)
  t.ok(profiles.length > 5)
  for (const profile of profiles) {
    const { tokens, details } = await serve(profile, ...flags, ...more)
    const [ada, bob] = tokens as [AccessToken, AccessToken]
    t.equal(ada.claims.tenant, 'acme', profile)
    t.strictSame([...ada.roles].includes('editor'), true)
    if (profile !== 'keycloak') t.strictSame([...ada.groups], ['Admins', 'Staff'])
    t.equal(ada.subject, profile === 'okta' ? 'ada l' : '00u1')
    t.notOk(bob.roles.has('editor'))
    t.equal(bob.claims.tenant, undefined)
    t.match(details, { username: 'ada l', users: [{ username: 'ada l' }, { username: 'bob' }] })
  }
  const { tokens, details } = await serve('standard', '--group', 'Admins')
  t.strictSame([...(tokens[0] as AccessToken).groups], ['Admins'], 'the default user')
  t.strictSame(Object.keys(details.options), ['issuer', 'audience'])
})

t.test('prints the options of the plugin as source code', async (t) => {
  const start = async (...args: string[]) => {
    const signals = new EventEmitter()
    const onOutput = () => void signals.emit('SIGINT')
    return (await runHere(['serve', ...args], { signals, onOutput })).stdout
  }
  const okta = await start('--profile', 'okta', '--user', "o'hara x", '--claim', 'a=[1]')
  t.match(
    okta,
    /app\.register\(resourceServer, \{\n {4}issuer: 'http:\/\/127[^']+',\n {4}audience: 'api:\/\/default',\n {4}profile: 'okta',\n {2}\}\)/,
  )
  t.match(okta, `--data-urlencode 'username=o'\\''hara x'`)
  t.match(okta, `  user      'o'\\''hara x', password demo-password\n            {"a":[1]}\n`)
  t.match(await start('--claim', 'sub="00u1"'), '{"sub":"00u1"}')
  const remote = ['--host', '0.0.0.0', '--dangerously-allow-remote']
  t.match(await start(...remote), `issuer: 'http://127.0.0.1:`)
  const named = await start(...remote, '--public-url', 'http://auth:9000')
  t.match(named, `issuer: 'http://auth:9000/oauth2/default',`)
  t.match(named, 'dangerouslyAllowHttp: true,')
  t.equal(literal(['a\'b"\\', 1]), `['a\\'b"\\\\', 1]`)
})

t.test('prints how clients log users in', async (t) => {
  const start = async (...args: string[]) => {
    const signals = new EventEmitter()
    const onOutput = () => void signals.emit('SIGINT')
    return (await runHere(['serve', ...args], { signals, onOutput })).stdout
  }
  t.match(
    await start(),
    /authorize {2}http.*\n {2}register {3}http.*\n {2}client {5}add one with --redirect-uri/,
  )
  const other = 'https://app.example/callback'
  t.match(
    await start('--redirect-uri', CALLBACK, '--redirect-uri', other),
    `client     demo-app, without a secret, with PKCE\n             demo-client, secret demo-secret\n  redirect   ${CALLBACK}\n             ${other}\n`,
  )
})

t.test('offers the scope of --scope beside that of OpenID Connect', async (t) => {
  const serve = async (flags: string[], scope: string, format = '--json') => {
    const signals = new EventEmitter()
    let granted: Promise<string | undefined> | undefined
    const { code, stdout, stderr } = await runHere(['serve', format, ...flags], {
      signals,
      onOutput(text) {
        const [issuer = ''] = /http:[^ "]+default/.exec(text) ?? []
        granted = passwordGrant({ issuer, ...testClient, ...testUser, scope })
          .then((response) => response.scope, String)
          .finally(() => signals.emit('SIGTERM'))
      },
    })
    return { code, stdout, stderr, granted: await granted }
  }
  const flags = ['--scope', 'billing:read openid', '--scope', 'billing:write']
  const offered = 'openid profile email offline_access billing:read billing:write'
  const own = await serve(flags, offered)
  t.equal(own.granted, offered)
  t.match(JSON.parse(own.stdout), { scope: offered })
  const rejected = await serve(flags, 'orders:read')
  t.match(rejected.granted, `The server offers only the scope ${offered}. To offer others, set`)
  t.match(rejected.granted, 'serve --scope')

  const shown = await serve(flags, 'openid', '--algorithm=ES256')
  t.match(shown.stdout, `\n  scope     ${offered}\n`)
  t.match(shown.stdout, `-d scope='openid billing:read' http`)
  t.match(shown.stdout, `--scope 'openid billing:read'\n`)
  const openIdOnly = await serve(['--scope', 'openid'], 'openid', '--algorithm=ES256')
  t.match(openIdOnly.stdout, '-d scope=openid http')

  const invalid = await serve(['--scope', 'a"b'], 'openid')
  t.equal(invalid.code, 2)
  t.match(invalid.stderr, '--scope must be a space-delimited string')
})

t.test('encrypts access tokens for the key in a file', async (t) => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const dir = t.testdir({
    'key.pem': `${publicKey.export({ type: 'spki', format: 'pem' })}`,
    'key.jwk': JSON.stringify({ ...publicKey.export({ format: 'jwk' }), kid: 'enc-1' }),
    'canary.txt': 'canary',
  })
  const serve = async (...args: string[]) => {
    const signals = new EventEmitter()
    let token: Promise<string> | undefined
    const outcome = await runHere(['serve', '--json', ...args], {
      signals,
      onOutput(text) {
        const { issuer } = JSON.parse(text)
        token = passwordGrant({ issuer, ...testClient, ...testUser, scope: 'orders:read' })
          .then(({ access_token }) => access_token)
          .finally(() => signals.emit('SIGTERM'))
      },
    })
    return { ...outcome, token: await token }
  }
  const pem = await serve('--encryption-key', join(dir, 'key.pem'))
  t.match(decodeProtectedHeader(`${pem.token}`), { alg: 'RSA-OAEP-256', enc: 'A256GCM' })
  const algorithms = ['--encryption-alg', 'RSA-OAEP', '--encryption-enc', 'A256CBC-HS512']
  const jwk = await serve('--encryption-key', join(dir, 'key.jwk'), ...algorithms)
  const header = { alg: 'RSA-OAEP', enc: 'A256CBC-HS512', kid: 'enc-1', cty: 'JWT' }
  t.strictSame(decodeProtectedHeader(`${jwk.token}`), header)
  const mistakes = [
    [['--encryption-key', join(dir, 'absent')], '--encryption-key must name a readable file'],
    [['--encryption-key', join(dir, 'canary.txt')], '--encryption-key must name a readable file'],
    [['--encryption-alg', 'RSA-OAEP'], 'need --encryption-key'],
    [['--encryption-enc', 'A256GCM'], 'need --encryption-key'],
    [
      ['--encryption-key', join(dir, 'key.pem'), '--encryption-alg', 'RSA1_5'],
      '--encryption-alg must be one of RSA-OAEP',
    ],
    [
      ['--encryption-key', join(dir, 'key.pem'), '--encryption-alg', 'dir'],
      '--encryption-key must be a key for "alg" dir',
    ],
  ] as const
  for (const [args, message] of mistakes) {
    const { code, stderr } = await serve(...args)
    t.equal(code, 2)
    t.match(stderr, message)
    t.notMatch(stderr, /canary\b(?!\.)/)
  }
})

t.test('without flags, prints the details and how to stop', async (t) => {
  const signals = new EventEmitter()
  const onOutput = () => void signals.emit('SIGINT')
  const { code, stdout, stderr } = await runHere(['serve'], { signals, onOutput })
  t.strictSame([code, stderr], [0, ''])
  t.match(
    stdout,
    /user {6}testuser1@example\.com, password demo-password[\s\S]*Press Ctrl\+C to stop\.\n$/,
  )
})

t.test('does not run in production without its flag', async (t) => {
  const { code, stdout, stderr } = await runBuilt(['serve'], { env: { NODE_ENV: 'production' } })
  t.strictSame([code, stdout], [2, ''])
  t.match(stderr, /does not run under NODE_ENV=production.*--dangerously-allow-production/)
  const args = [BUILT, 'serve', '--dangerously-allow-production']
  const child = spawn(process.execPath, args, { env: { NODE_ENV: 'production' } })
  t.teardown(() => child.kill('SIGKILL'))
  const [page] = await once(child.stdout, 'data')
  t.match(`${page}`, 'authorization server')
  child.kill('SIGTERM')
  t.strictSame(await once(child, 'exit'), [0, null])
})

t.test('a port in use is exit code 3, an invalid flag 2', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  t.match(await runHere(['serve', '--port', `${port}`]), {
    code: 3,
    stderr: `port ${port} is already in use (EADDRINUSE): stop the program that uses it`,
  })

  t.match(await runHere(['serve', '--host', '203.0.113.9', '--dangerously-allow-remote']), {
    code: 3,
    stderr: 'cannot listen on 203.0.113.9, port any (EADDRNOTAVAIL): --host must be an address of',
  })
  t.match(await runHere(['serve', '--host', '127.0.0.1', '--port', `${port}`]), { code: 3 })

  const cases = [
    [['--host', '0.0.0.0'], '--host must be a loopback host name or address, unless'],
    [
      ['--public-url', 'http://auth:9000'],
      '--public-url must be an http or https URL without path',
    ],
    [['--group', 'a', '--user', 'b'], '--group must follow the --user to which it belongs'],
    [['--user', 'a', '--user', 'a'], '--user names the same user twice'],
    [
      ['--claim', 'teams=a', '--claim', 'teams=b'],
      '--claim names the same claim twice for one user: several values are a list',
    ],
    [['--claim', 'tenant'], '--claim must be NAME=VALUE'],
    [['--claim', 'teams=["a",b]'], 'a value of --claim that begins with ", [ or { must be JSON'],
    [['--claim', 'aud="x"'], '--claim cannot set "aud": use --audience'],
    [['--claim', 'sub=7'], '--claim sub must be a text'],
    [['--claim', 'sub=""'], '--claim sub must be a text'],
    [
      ['--redirect-uri', CALLBACK, '--redirect-uri', 'http://app.example/'],
      '--redirect-uri (value 2) must use https, unless its host is loopback',
    ],
    [['--post-logout-redirect-uri', CALLBACK], '--post-logout-redirect-uri needs --redirect-uri'],
    [['--port', '70000'], '--port must be a whole number from 0 to 65535'],
    [['--profile', 'oktaa'], '--profile must be one of standard, okta'],
    [['--algorithm', 'HS256'], '--algorithm must be one of RS256'],
    [['--access-token-format', 'x'], '--access-token-format must be "jwt" or "opaque"'],
    [
      ['--backchannel-logout-uri', '/x'],
      '--backchannel-logout-uri must be an absolute http or https',
    ],
  ] as const
  for (const [args, expected] of cases) {
    const { code, stderr } = await runHere(['serve', ...args])
    t.equal(code, 2)
    t.match(stderr, expected)
  }
})
