/** `token` performs both grants with the embedded server, and never shows a secret. */
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { createAuthorizationServer, testClient, testUser } from '../../src/testing/index.js'
import { BUILT, runBuilt, runHere } from './fixtures/run.js'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const server = await createAuthorizationServer({
  profile: 'okta',
  clients: [
    testClient,
    { clientId: 'public' },
    {
      clientId: 'keyed',
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'k' }] },
    },
    { clientId: 'user-only', clientSecret: testClient.clientSecret, grantTypes: ['password'] },
  ],
})
t.teardown(() => server.close())
const { issuer } = server

const SECRET = testClient.clientSecret
const PASSWORD = testUser.password
const secrets = { FRS_CLIENT_SECRET: SECRET, FRS_PASSWORD: PASSWORD }
const identity = ['--client-id', testClient.clientId]
const client = ['token', '--issuer', issuer, ...identity, '--scope', 'orders:read']
const user = [
  ...['token', '--issuer', issuer, ...identity, '--scope', 'openid orders:read'],
  ...['--username', testUser.username],
]

function claimsOf(token: string) {
  return JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString())
}

t.test('G1: the built command prints only the token of a user, ready for a header', async (t) => {
  const { code, stdout, stderr } = await runBuilt(user, { env: secrets })
  t.strictSame([code, stderr], [0, ''])
  t.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  const { sub, scp } = claimsOf(stdout)
  t.strictSame({ sub, scp }, { sub: testUser.username, scp: ['openid', 'orders:read'] })
})

const FULL = '/dev/full'
const skip = !existsSync(FULL) && `there is no ${FULL}`
t.test('a failed write is exit code 3', { skip }, async (t) => {
  const commands: readonly (readonly string[])[] = [user, [...client, '--json']]
  for (const args of commands) {
    const full = openSync(FULL, 'w')
    const child = spawn(process.execPath, [BUILT, ...args], {
      env: secrets,
      stdio: ['ignore', full, 'pipe'],
    })
    closeSync(full)
    const message = text(child.stderr as Readable)
    t.strictSame(await once(child, 'exit'), [3, null])
    t.match(await message, /standard output could not be written \(ENOSPC\)/)
  }
})

t.test('a closed pipe is exit code 3', async (t) => {
  const child = spawn(process.execPath, [BUILT, ...user], { env: secrets })
  child.stdout.destroy()
  const message = text(child.stderr)
  t.strictSame(await once(child, 'exit'), [3, null])
  t.match(await message, /standard output could not be written \(EPIPE\)/)
})

t.test(
  '--timeout takes seconds, or a duration with the unit s or ms, for both grants',
  async (t) => {
    const malformed = [
      '-1',
      'NaN',
      'Infinity',
      '1e3',
      '1.5',
      '0x10',
      ' 1',
      '1m',
      '1 s',
      '1S',
      '1.5s',
      's',
    ]
    const outOfRange = ['0', '0s', '0ms', '2147484', '2147484s', '2147483648ms', '9'.repeat(15)]
    for (const args of [user, client]) {
      for (const timeout of [...malformed, ...outOfRange, '9'.repeat(16), '']) {
        const { code, stderr } = await runHere([...args, `--timeout=${timeout}`], { env: secrets })
        t.equal(code, 2, timeout)
        const problem = timeout === '' ? 'needs a value' : 'must be a duration such as 10s or 500ms'
        t.match(stderr, `--timeout ${problem}`)
      }
      for (const timeout of ['2147483', '2147483s', '2147483647ms']) {
        t.equal((await runHere([...args, '--timeout', timeout], { env: secrets })).code, 0, timeout)
      }
    }
  },
)

t.test('without a user, gets a token of the client', async (t) => {
  const { code, stdout, stderr } = await runBuilt(client, { env: secrets })
  t.strictSame([code, stderr], [0, ''])
  const { sub, cid, scp } = claimsOf(stdout)
  t.strictSame(
    { sub, cid, scp },
    { sub: testClient.clientId, cid: testClient.clientId, scp: ['orders:read'] },
  )
  const without = await runHere(
    ['token', '--token-endpoint', server.tokenEndpoint, ...client.slice(3)],
    { env: secrets },
  )
  t.equal(without.code, 0)
})

t.test('--json prints the whole response', async (t) => {
  for (const args of [client, user]) {
    const { code, stdout } = await runHere([...args, '--json'], { env: secrets })
    t.equal(code, 0)
    t.match(JSON.parse(stdout), { access_token: String, token_type: 'bearer', expires_in: 3600 })
  }
})

t.test('reads one secret from standard input', async (t) => {
  const piped = await runBuilt([...user, '--password-stdin'], {
    env: { FRS_CLIENT_SECRET: SECRET, FRS_PASSWORD: 'not this one' },
    input: `${PASSWORD}\n`,
  })
  t.strictSame([piped.code, piped.stderr], [0, ''])
  t.equal((await runHere([...client, '--client-secret-stdin'], { input: `${SECRET}\r\n` })).code, 0)

  const cases = [
    [[...user, '--password-stdin', '--client-secret-stdin'], 'are mutually exclusive'],
    [[...client, '--password-stdin'], '--password-stdin requires --username'],
    [
      [...client, '--client-secret-stdin'],
      '--client-secret-stdin is set, but standard input is empty',
    ],
  ] as const
  for (const [args, message] of cases) {
    const { code, stderr } = await runHere(args)
    t.equal(code, 2)
    t.match(stderr, message)
  }
  const flood = await runHere([...client, '--client-secret-stdin'], { input: 'x'.repeat(200_000) })
  t.equal(flood.code, 2)
  t.match(flood.stderr, 'standard input has more than 131072 bytes')
})

t.test('prompts for secrets at a terminal without echo', async (t) => {
  const { code, stdout, stderr } = await runHere(user, {
    typed: [`${SECRET}x\x7f\r`, `${PASSWORD}\n`],
  })
  t.equal(code, 0)
  t.match(stdout, /^eyJ/)
  t.equal(stderr, 'Client secret (leave empty for a public client): \nPassword: \n')
})

t.test('empty input is a public client, and an error for the password', async (t) => {
  const args = [
    'token',
    '--issuer',
    issuer,
    '--client-id',
    'public',
    '--username',
    testUser.username,
    '--scope',
    'openid',
  ]
  t.equal((await runHere(args, { typed: ['\r', `${PASSWORD}\r`] })).code, 0)
  const { code, stderr } = await runHere(args, { typed: ['\r', '\r'] })
  t.equal(code, 2)
  t.match(stderr, 'no password: set FRS_PASSWORD')
})

t.test('Ctrl+C and the end of the input end a prompt', async (t) => {
  const interrupted = await runHere(user, { typed: ['hunter\x03'] })
  t.equal(interrupted.code, 130)
  t.match(interrupted.stderr, 'interrupted; nothing was sent')
  const ended = await runHere(user, { typed: ['END'] })
  t.equal(ended.code, 2)
  t.match(ended.stderr, 'the input ended before a line was entered')
})

t.test('without a terminal, names the missing secret and how to pass it', async (t) => {
  const secret = await runBuilt(client)
  t.same(await runHere(client), secret)
  t.equal(secret.code, 2)
  t.match(
    secret.stderr,
    'set FRS_CLIENT_SECRET, pipe it in with --client-secret-stdin, or use --client-authentication none',
  )
  const password = await runHere(user, { env: { FRS_CLIENT_SECRET: SECRET } })
  t.equal(password.code, 2)
  t.match(password.stderr, 'set FRS_PASSWORD, or pipe it in with --password-stdin')
})

t.test('authenticates by a key, or as a public client', async (t) => {
  const file = join(t.testdir(), 'key.json')
  writeFileSync(
    file,
    JSON.stringify({ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'k' }),
  )
  const keyed = ['token', '--issuer', issuer, '--client-id', 'keyed', '--private-key', file]
  const { code, stdout, stderr } = await runHere([...keyed, '--scope', 'orders:read'])
  t.strictSame([code, stderr], [0, ''])
  t.equal(claimsOf(stdout).cid, 'keyed')

  const none = [
    'token',
    '--issuer',
    issuer,
    '--client-id',
    'public',
    '--client-authentication',
    'none',
  ]
  t.equal(
    (
      await runHere([...none, '--username', testUser.username, '--scope', 'openid'], {
        env: secrets,
      })
    ).code,
    0,
  )

  for (const wrong of [join(t.testdirName, 'absent.json'), new URL(import.meta.url).pathname]) {
    const { code, stderr } = await runHere([...keyed.slice(0, -1), wrong])
    t.equal(code, 2)
    t.match(stderr, '--private-key must name a readable file that contains one JWK')
  }
})

t.test('sends additional parameters, except those of the grant', async (t) => {
  const bodies: URLSearchParams[] = []
  const endpoint = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      bodies.push(new URLSearchParams(body))
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ access_token: 'a\nb', token_type: 'bearer' }))
    })
  })
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
  t.teardown(() => endpoint.close())
  const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`
  const args = [
    'token',
    '--token-endpoint',
    url,
    '--client-id',
    'c',
    '--audience',
    'api',
    '--resource',
    'https://r.example',
    '--parameter',
    'a=b=c',
    '--parameter',
    'd=',
  ]
  const { code, stdout, stderr } = await runHere(args, { env: secrets })
  t.strictSame(Object.fromEntries(bodies[0] as URLSearchParams), {
    grant_type: 'client_credentials',
    audience: 'api',
    resource: 'https://r.example',
    a: 'b=c',
    d: '',
  })
  t.strictSame([code, stdout], [3, ''], 'a token that would end a header is not printed')
  t.match(stderr, 'characters that are invalid in an Authorization header')

  for (const parameter of ['username=hunter2', 'client_secret=hunter2']) {
    const { code, stderr } = await runHere([...args, '--parameter', parameter], { env: secrets })
    t.equal(code, 2)
    t.match(stderr, '--parameter must not set ')
    t.notMatch(stderr, 'hunter2')
  }
  for (const parameter of ['nothing', '=x']) {
    const { stderr } = await runHere([...args, '--parameter', parameter], { env: secrets })
    t.match(stderr, '--parameter must be NAME=VALUE')
  }
})

t.test('G3: a rejected grant is exit code 1, names the fix, and shows no secret', async (t) => {
  const env = { FRS_CLIENT_SECRET: SECRET, FRS_PASSWORD: 'hunter2-wrong' }
  const { code, stdout, stderr } = await runBuilt(user, { env })
  t.strictSame([code, stdout], [1, ''])
  t.match(stderr, /invalid_grant: .*Check username and password/)
  t.notMatch(stderr, /hunter2|demo-secret/)
})

t.test('a rejected client credentials grant names the fix for clients', async (t) => {
  const requestToken = (id: string, scope = 'orders:read', secret: string = SECRET) =>
    runHere(['token', '--issuer', issuer, '--client-id', id, '--scope', scope], {
      env: { FRS_CLIENT_SECRET: secret },
    })
  const cases = [
    [await requestToken('user-only'), 'client credentials grant is not enabled for this client'],
    [await requestToken(testClient.clientId, 'unknown'), 'The scopes of OpenID Connect'],
    [await requestToken(testClient.clientId, 'orders:read', 'hunter2'), 'invalid_client: '],
  ] as const
  for (const [{ code, stderr }, message] of cases) {
    t.equal(code, 1)
    t.match(stderr, message)
    t.notMatch(stderr, 'hunter2')
  }
})

t.test('no usable response is exit code 3', async (t) => {
  t.teardown(() => server.recover())
  const { port } = new URL(issuer)
  const other = user.map((arg) => arg.replace(port, '1'))
  t.match(await runBuilt(other, { env: secrets }), { code: 3, stderr: /unreachable: / })
  for (const args of [user, client]) {
    server.fail({ status: 500 }, 'token')
    t.match(await runHere(args, { env: secrets }), { code: 3 })
    server.fail({ status: 429 }, 'token')
    t.match(await runHere(args, { env: secrets }), { code: 3, stderr: /rate limit/ })
    server.fail('hang', 'token')
    for (const [timeout, ms] of [
      ['1', 1000],
      ['1s', 1000],
      ['200ms', 200],
    ] as const) {
      const late = await runHere([...args, '--timeout', timeout], { env: secrets })
      t.match(late, { code: 3, stderr: `sent no complete response within ${ms} ms` })
    }
  }
})

t.test('names the flag of an invalid option', async (t) => {
  const cases = [
    [['--issuer', 'http://issuer.example'], '--issuer must be an https URL'],
    [['--issuer', issuer, '--client-authentication', 'magic'], '--client-authentication must be'],
    [[], 'Exactly one of --issuer and "tokenEndpoint"'],
  ] as const
  for (const [args, message] of cases) {
    const { code, stderr } = await runHere(['token', '--client-id', 'c', ...args], { env: secrets })
    t.equal(code, 2)
    t.match(stderr, message.replace('"tokenEndpoint"', '--token-endpoint'))
  }
})

t.test('G4: rejects the password grant in production without its flag', async (t) => {
  const env = { ...secrets, NODE_ENV: 'production' }
  const { code, stderr } = await runBuilt(user, { env })
  t.equal(code, 2)
  t.match(stderr, /does not run under NODE_ENV=production.*--dangerously-allow-production/)
  t.equal((await runBuilt([...user, '--dangerously-allow-production'], { env })).code, 0)
  t.equal((await runBuilt(client, { env })).code, 0, 'client credentials are allowed in production')
})

t.test('a response nested too deeply is exit code 3, not 4', async (t) => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  const hostile = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"access_token":"a","token_type":"Bearer","x":${deep}}`)
  }).listen(0, '127.0.0.1')
  t.teardown(() => hostile.close())
  await new Promise((resolve) => hostile.once('listening', resolve))
  const { port } = hostile.address() as AddressInfo
  const args = ['token', '--token-endpoint', `http://127.0.0.1:${port}/`, ...identity]
  const { code, stdout, stderr } = await runHere([...args, '--json'], { env: secrets })
  t.strictSame([code, stdout], [3, ''])
  t.match(stderr, /nested too deeply/)
})
