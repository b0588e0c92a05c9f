/** `token`: both grants against the embedded server, and secrets that nobody sees. */
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

t.test('G1: the built command prints the token of a user alone, fit for a header', async (t) => {
  const { code, stdout, stderr } = await runBuilt(user, { env: secrets })
  t.strictSame([code, stderr], [0, ''])
  t.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  const { sub, scp } = claimsOf(stdout)
  t.strictSame({ sub, scp }, { sub: testUser.username, scp: ['openid', 'orders:read'] })
})

const FULL = '/dev/full'
const skip = !existsSync(FULL) && `there is no ${FULL}`
t.test('a token that could not be written is no exit code 0', { skip }, async (t) => {
  const commands: readonly (readonly string[])[] = [user, [...client, '--json']]
  for (const args of commands) {
    const full = openSync(FULL, 'w')
    const child = spawn(process.execPath, [BUILT, ...args], {
      env: secrets,
      stdio: ['ignore', full, 'pipe'],
    })
    closeSync(full)
    const said = text(child.stderr as Readable)
    t.strictSame(await once(child, 'exit'), [3, null])
    t.match(await said, /standard output could not be written \(ENOSPC\)/)
  }
})

t.test('a token whose reader has gone is no exit code 0', async (t) => {
  const child = spawn(process.execPath, [BUILT, ...user], { env: secrets })
  child.stdout.destroy()
  const said = text(child.stderr)
  t.strictSame(await once(child, 'exit'), [3, null])
  t.match(await said, /standard output could not be written \(EPIPE\)/)
})

t.test('the timeout is in seconds or, with a unit, in milliseconds, for each grant', async (t) => {
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
})

t.test('without a user, the token is of the client', async (t) => {
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

t.test('secrets are piped in, one at a time', async (t) => {
  const piped = await runBuilt([...user, '--password-stdin'], {
    env: { FRS_CLIENT_SECRET: SECRET, FRS_PASSWORD: 'not this one' },
    input: `${PASSWORD}\n`,
  })
  t.strictSame([piped.code, piped.stderr], [0, ''])
  t.equal((await runHere([...client, '--client-secret-stdin'], { input: `${SECRET}\r\n` })).code, 0)

  const cases = [
    [[...user, '--password-stdin', '--client-secret-stdin'], 'are mutually exclusive'],
    [[...client, '--password-stdin'], '--password-stdin needs --username'],
    [[...client, '--client-secret-stdin'], '--client-secret-stdin: standard input is empty'],
  ] as const
  for (const [args, said] of cases) {
    const { code, stderr } = await runHere(args)
    t.equal(code, 2)
    t.match(stderr, said)
  }
  const flood = await runHere([...client, '--client-secret-stdin'], { input: 'x'.repeat(200_000) })
  t.equal(flood.code, 2)
  t.match(flood.stderr, 'standard input has more than 131072 bytes')
})

t.test('secrets are asked for at a terminal, and what is typed is never shown', async (t) => {
  const { code, stdout, stderr } = await runHere(user, {
    typed: [`${SECRET}x\x7f\r`, `${PASSWORD}\n`],
  })
  t.equal(code, 0)
  t.match(stdout, /^eyJ/)
  t.equal(stderr, 'Client secret (nothing for a public client): \nPassword: \n')
})

t.test('an answer of nothing is a public client, and no password', async (t) => {
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

t.test('Ctrl+C and the end of the input end the question', async (t) => {
  const interrupted = await runHere(user, { typed: ['hunter\x03'] })
  t.equal(interrupted.code, 130)
  t.match(interrupted.stderr, 'interrupted; nothing was sent')
  const ended = await runHere(user, { typed: ['END'] })
  t.equal(ended.code, 2)
  t.match(ended.stderr, 'the input ended before a line was entered')
})

t.test('without a terminal, what is missing is named, with the ways to give it', async (t) => {
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

t.test('clients authenticate by a key, or not at all', async (t) => {
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
    t.match(stderr, '--private-key must name a file that contains one JWK')
  }
})

t.test('parameters are sent along, but none of the grant itself', async (t) => {
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
  t.strictSame([code, stdout], [3, ''], 'what would end a header is not printed')
  t.match(stderr, 'characters that no HTTP header can carry')

  for (const parameter of ['username=hunter2', 'client_secret=hunter2']) {
    const { code, stderr } = await runHere([...args, '--parameter', parameter], { env: secrets })
    t.equal(code, 2)
    t.match(stderr, '--parameter must not be ')
    t.notMatch(stderr, 'hunter2')
  }
  for (const parameter of ['nothing', '=x']) {
    const { stderr } = await runHere([...args, '--parameter', parameter], { env: secrets })
    t.match(stderr, '--parameter must be NAME=VALUE')
  }
})

t.test('G3: a refused grant is exit code 1, says what to do, and shows no secret', async (t) => {
  const env = { FRS_CLIENT_SECRET: SECRET, FRS_PASSWORD: 'hunter2-wrong' }
  const { code, stdout, stderr } = await runBuilt(user, { env })
  t.strictSame([code, stdout], [1, ''])
  t.match(stderr, /invalid_grant: .*Check username and password/)
  t.notMatch(stderr, /hunter2|demo-secret/)
})

t.test('a refused grant of a client says what a client can do', async (t) => {
  const ask = (id: string, scope = 'orders:read', secret: string = SECRET) =>
    runHere(['token', '--issuer', issuer, '--client-id', id, '--scope', scope], {
      env: { FRS_CLIENT_SECRET: secret },
    })
  const cases = [
    [await ask('user-only'), 'client credentials grant is not enabled for this client'],
    [await ask(testClient.clientId, 'unknown'), 'Those of OpenID Connect'],
    [await ask(testClient.clientId, 'orders:read', 'hunter2'), 'invalid_client: '],
  ] as const
  for (const [{ code, stderr }, said] of cases) {
    t.equal(code, 1)
    t.match(stderr, said)
    t.notMatch(stderr, 'hunter2')
  }
})

t.test('no answer, or none that can be used, is exit code 3', async (t) => {
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

t.test('an impossible option is named by its flag', async (t) => {
  const cases = [
    [['--issuer', 'http://issuer.example'], '--issuer must be an https URL'],
    [['--issuer', issuer, '--client-authentication', 'magic'], '--client-authentication must be'],
    [[], 'Exactly one of --issuer and "tokenEndpoint"'],
  ] as const
  for (const [args, said] of cases) {
    const { code, stderr } = await runHere(['token', '--client-id', 'c', ...args], { env: secrets })
    t.equal(code, 2)
    t.match(stderr, said.replace('"tokenEndpoint"', '--token-endpoint'))
  }
})

t.test('G4: the password grant is refused in production unless told', async (t) => {
  const env = { ...secrets, NODE_ENV: 'production' }
  const { code, stderr } = await runBuilt(user, { env })
  t.equal(code, 2)
  t.match(stderr, /does not run under NODE_ENV=production.*--dangerously-allow-production/)
  t.equal((await runBuilt([...user, '--dangerously-allow-production'], { env })).code, 0)
  t.equal((await runBuilt(client, { env })).code, 0, 'the other grant is meant for it')
})

t.test('an answer too deep to be printed is no mistake of this program', async (t) => {
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
