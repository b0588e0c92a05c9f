/** `doctor` checks an issuer and this machine without a token. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { checkCertificate } from '../../src/cli/doctor/certificate.js'
import { resolveConnection } from '../../src/cli/doctor/doctor-command.js'
import { checkEnvironment } from '../../src/cli/doctor/environment.js'
import { checkIssuer } from '../../src/cli/doctor/issuer-health.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { makeCertificate } from '../fixtures/certificates.js'
import { makeKey } from '../fixtures/issuer.js'
import { runBuilt, runHere } from './fixtures/run.js'

interface Check {
  name: string
  outcome: string
  found: string
  advice?: string
}

async function diagnose(issuer: string, args: readonly string[] = []) {
  const all = ['doctor', '--issuer', issuer, '--audience', 'api://default', '--json', ...args]
  const { code, stdout, stderr } = await runHere(all)
  if (stdout === '') return { code, stderr, checks: {}, failed: [] }
  const { healthy, checks } = JSON.parse(stdout) as { healthy: boolean; checks: Check[] }
  const failed = checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)
  t.strictSame([healthy, code], failed.length === 0 ? [true, 0] : [false, 1])
  for (const { outcome, advice = '' } of checks) {
    t.equal(outcome !== 'passed', advice.length > 20, 'says what to do, if there is something')
  }
  return { code, stderr, failed, checks: Object.fromEntries(checks.map((one) => [one.name, one])) }
}

/** Serves an issuer whose responses `respond` writes; it returns false for the usual response. */
async function serveIssuer(t: Test, respond: (...args: Parameters<RequestListener>) => unknown) {
  const key = await makeKey('ES256')
  let issuer = ''
  const server = createServer(async (request, response) => {
    if ((await respond(request, response)) !== false) return
    const metadata = { issuer, jwks_uri: `${issuer}/keys` }
    response.end(JSON.stringify(request.url === '/keys' ? { keys: [key.publicJwk] } : metadata))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { issuer, key }
}

t.test('passes all checks of a healthy issuer with exit code 0', async (t) => {
  const server = await createAuthorizationServer({ profile: 'okta' })
  t.teardown(() => server.close())
  const { failed, checks } = await diagnose(server.issuer, ['--profile', 'okta'])
  t.strictSame(failed, [])
  t.match(checks, {
    options: { found: `issuer ${server.issuer}, profile okta, audience api://default` },
    certificate: { found: /is http on this machine/ },
    metadata: { found: /openid-configuration: 200 after \d+ ms; "jwks_uri" is http/ },
    keys: { found: '1 usable key for RS256; cacheable for 5 minutes' },
    clock: { outcome: 'passed' },
    latency: { found: /\d+ ms/ },
  })
  const text = await runBuilt(['doctor', '--issuer', server.issuer])
  t.equal(text.code, 0)
  t.match(text.stdout, /^ {2}✔ keys {10}1 usable key for RS256/m)
  t.match(text.stdout, /^ {2}! options {7}.* no audience\n {18}to do {2}Add --audience/m)
  t.match(text.stdout, /^ {2}no check failed, [12] warnings?\n\n$/m)
  const gone = await runHere(['doctor', '--issuer', 'http://127.0.0.1:1', '--audience', 'a'])
  t.match(gone, { code: 1, stdout: '\n  1 check failed, 0 warnings\n' })
  const terminal = await runHere(['doctor', '--issuer', server.issuer], {
    color: true,
    columns: 60,
    env: { NO_COLOR: '1' },
  })
  t.ok(terminal.stdout.split('\n').every((line) => line.length < 110))
})

t.test('rejects options that no API could have', async (t) => {
  for (const [args, expected] of [
    [['doctor'], '--issuer is required'],
    [['doctor', '--issuer', 'x'], '--issuer must be a URL'],
    [['doctor', '--issuer', 'https://acme.okta.com'], '--issuer https://acme.okta.com'],
    [['doctor', '--issuer', 'https://x.example', '--profile', 'x'], '--profile must be one of'],
    [
      ['doctor', '--issuer', 'https://x.example', '--timeout', '2m'],
      '--timeout must be a duration',
    ],
  ] as const) {
    const { code, stderr } = await runHere(args)
    t.equal(code, 2)
    t.match(stderr, expected)
  }
  const firebase = resolveConnection({ issuer: 'https://securetoken.google.com/my-project' })
  t.equal(firebase.profile.name, 'firebase', 'each provider accepts the audience placeholder')
  const entra = 'https://login.microsoftonline.com/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/v2.0'
  t.equal(resolveConnection({ issuer: entra }).profile.name, 'entra')
  const options = { issuer: 'acme', jwksUri: 'http://keys/', dangerouslyAllowHttp: true }
  t.equal(resolveConnection({ ...options, algorithms: ['ES256'] }).issuer, 'acme')
})

t.test('names the reason why metadata is unusable', async (t) => {
  const { issuer } = await serveIssuer(t, ({ url }, response) => {
    if (url?.startsWith('/moved')) return response.writeHead(302, { location: '/new?a=b' }).end()
    if (url?.startsWith('/other')) return response.end('{"issuer":"https://other.example"}')
    if (url?.startsWith('/http')) {
      const metadata = { issuer: `${issuer}/http`, jwks_uri: 'http://keys.example' }
      return response.end(JSON.stringify(metadata))
    }
    if (url?.startsWith('/hangs')) return undefined
    return response.writeHead(404).end()
  })
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  for (const [url, found, advice] of [
    [`${issuer}/moved`, `responded with 302, a redirect to ${issuer}/new`, 'Redirects are not'],
    [`${issuer}/other`, 'names the issuer "https://other.example"', 'Set the issuer of the API to'],
    [
      `${issuer}/http`,
      'has a "jwks_uri" that is not an https URL',
      '--dangerously-allow-http here',
    ],
    [
      `${issuer}/absent`,
      `${issuer}/absent/.well-known/openid-configuration responded with 404`,
      '--jwks-uri',
    ],
    [
      `${issuer}/hangs`,
      `no complete response within 200 ms from ${issuer}/hangs`,
      'firewalls and proxies',
    ],
    [`http://127.0.0.1:${port}`, 'ECONNREFUSED', 'firewalls and proxies'],
    ['https://issuer.invalid', /ENOTFOUND|EAI_AGAIN|within/, /cannot be resolved|firewalls/],
  ] as const) {
    const { failed, checks } = await diagnose(
      url,
      url.endsWith('/hangs') ? ['--timeout', '200ms'] : [],
    )
    t.ok(failed.includes('metadata'), url)
    t.match(checks.metadata, { found, advice })
    t.equal(checks.keys, undefined)
  }
})

t.test('names unusable keys, and keys that the API does not accept', async (t) => {
  const { publicJwk } = await makeKey('ES256')
  let keys: unknown[] = []
  const { issuer } = await serveIssuer(t, ({ url }, response) =>
    url === '/keys' ? response.end(JSON.stringify({ keys })) : false,
  )
  keys = [publicJwk, { kty: 'EC', kid: 'broken' }, { ...publicJwk, kid: 'second' }]
  const some = await diagnose(issuer)
  t.strictSame(some.failed, [])
  t.match(some.checks.keys?.found, '2 usable keys for ES256; no Cache-Control')
  t.match(some.checks['unused keys'], { outcome: 'warning', found: /^the key "?broken"? / })
  const others = await diagnose(issuer, ['--algorithms', 'RS256'])
  t.strictSame(others.failed, ['keys'])
  t.match(others.checks.keys, { found: '--algorithms (RS256) accepts none', advice: /: ES256\.$/ })
  keys = []
  t.match((await diagnose(issuer)).checks.keys, {
    outcome: 'failed',
    found: `${issuer}/keys: the key set is empty`,
  })
  const known = await diagnose(issuer, ['--jwks-uri', `${issuer}/none?secret=1`])
  t.match(known.checks.metadata, { outcome: 'passed', found: /^not read/ })
  t.match(known.checks.keys, { outcome: 'failed', found: `${issuer}/none: ` })
  t.notMatch(JSON.stringify(known), 'secret=1')
})

t.test('compares the clock with the Date of the issuer', async (t) => {
  let headersOf = (): Record<string, string> => ({})
  const { issuer } = await serveIssuer(t, (_, response) => {
    response.sendDate = false
    for (const [name, value] of Object.entries(headersOf())) response.setHeader(name, value)
    return false
  })
  const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString()
  for (const [sent, outcome, found] of [
    [() => ({}), 'warning', 'sends no "Date"'],
    [() => ({ date: at(0) }), 'passed', 'within 3 seconds'],
    [() => ({ date: at(15) }), 'warning', /^this machine is 1\d seconds behind the issuer, within/],
    [
      () => ({ date: at(-90) }),
      'failed',
      'this machine is 1 minute ahead of the issuer, more than',
    ],
    [() => ({ date: at(-90), age: '90' }), 'passed', 'within 3 seconds'],
  ] as const) {
    headersOf = sent
    t.match((await diagnose(issuer)).checks.clock, { outcome, found })
  }
})

t.test('warns of a slow issuer, and checks the host of the keys as well', async (t) => {
  const { issuer, key } = await serveIssuer(t, ({ url }, response) => {
    if (url !== '/x/.well-known/openid-configuration') return false
    const elsewhere = issuer.replace('127.0.0.1', 'localhost')
    return response.end(JSON.stringify({ issuer: `${issuer}/x`, jwks_uri: `${elsewhere}/keys` }))
  })
  t.ok(key)
  let now = Date.now()
  const checks = await checkIssuer({
    issuer: resolveConnection({ issuer: `${issuer}/x` }),
    timeout: 5_000,
    now: () => {
      now += 1_500
      return now
    },
  })
  t.match(checks.at(-1), { name: 'latency', outcome: 'warning', found: /took 1500 ms/ })
  t.equal(checks.filter(({ name }) => name === 'certificate').length, 2)
})

t.test('checks the certificate', async (t) => {
  const ca = await makeCertificate('Test Authority', { isAuthority: true })
  const altNames = [{ type: 7 as const, ip: '127.0.0.1' }]
  const serve = async (options: Parameters<typeof makeCertificate>[1]) => {
    const { cert, key } = await makeCertificate('localhost', options)
    const server = createTlsServer({ cert, key }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    return new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
  }
  const good = await serve({ issuer: ca, altNames })
  const now = Date.now()
  const monthAgo = now - 30 * 86_400_000
  const options = { timeout: 5_000, now, ca: ca.cert }
  const by = `${good.host}, signed by CN=Test Authority, expires `
  const trusted = await checkCertificate(good, { ...options, now: monthAgo })
  t.match(trusted, { outcome: 'passed', found: by })
  t.match(await checkCertificate(good, options), { outcome: 'warning', advice: /renews/ })
  t.match(await checkCertificate(good, { timeout: 5_000, now }), {
    outcome: 'failed',
    found: 'is not trusted: UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    advice: 'NODE_EXTRA_CA_CERTS',
  })
  const expired = await serve({ issuer: ca, altNames, isExpired: true })
  // The certificate expired a day before it was made, which was after `now`.
  t.match(await checkCertificate(expired, { ...options, now: now + 60_000 }), {
    outcome: 'failed',
    found: 'expired 1 day ago',
  })
  t.match(await checkCertificate(await serve({ issuer: ca }), options), {
    outcome: 'failed',
    advice: 'The certificate is for another host name',
  })
  const { checks } = await diagnose(good.href.slice(0, -1))
  t.match(checks.metadata, { outcome: 'failed', advice: /^Fix the certificate first/ })

  const plain = createServer().listen(0, '127.0.0.1')
  await once(plain, 'listening')
  t.teardown(() => plain.close())
  const noTls = new URL(`https://localhost:${(plain.address() as AddressInfo).port}`)
  t.match(await checkCertificate(noTls, options), {
    outcome: 'failed',
    found: /^no TLS connection/,
    advice: 'The server responds at this port without TLS',
  })
  const { checks: withoutTls } = await diagnose(noTls.href.slice(0, -1))
  t.match(withoutTls.metadata, { advice: 'The server responds at this port without TLS' })
  const silent = createTcpServer((socket) => t.teardown(() => socket.destroy()))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const hanging = new URL(`https://127.0.0.1:${(silent.address() as AddressInfo).port}`)
  t.match(await checkCertificate(hanging, { ...options, timeout: 100 }), {
    outcome: 'failed',
    found: 'no complete response within 100 ms',
  })
  t.match(await checkCertificate(new URL('http://api.internal'), options), {
    outcome: 'warning',
    found: 'anyone on the network path can replace the keys',
  })
  t.match(await checkCertificate(new URL('https://127.0.0.1:1'), options), {
    advice: 'openssl s_client -connect 127.0.0.1:1',
  })
  t.match(await checkCertificate(new URL('https://localhost'), { ...options, timeout: 2_000 }), {
    advice: 'openssl s_client -connect localhost:443',
  })
})

t.test('reports proxies and TLS settings without their values', async (t) => {
  const dir = t.testdir({ 'ca.pem': '' })
  const node = { supportsEnvProxy: true, execArgv: [] }
  const old = { supportsEnvProxy: false, execArgv: [] }
  const proxies = { HTTPS_PROXY: 'http://user:hunter2@proxy', http_proxy: 'http://proxy' }
  for (const [env, process, outcome, text] of [
    [{}, node, 'passed', 'no proxy is set'],
    [
      proxies,
      node,
      'warning',
      'the fetch of Node ignores HTTPS_PROXY, http_proxy, and connects directly',
    ],
    [proxies, node, 'warning', 'NODE_USE_ENV_PROXY=1. Otherwise'],
    [proxies, old, 'warning', 'jwks.fetch'],
    [{ ...proxies, NODE_USE_ENV_PROXY: '1' }, old, 'warning', 'jwks.fetch'],
    [{ ...proxies, NODE_USE_ENV_PROXY: '1' }, node, 'passed', 'Node uses the proxy'],
    [{ ...proxies, NODE_OPTIONS: '--a --use-env-proxy' }, node, 'passed', 'uses the proxy'],
    [proxies, { ...node, execArgv: ['--use-env-proxy'] }, 'passed', 'uses the proxy'],
  ] as const) {
    const [proxy] = await checkEnvironment(env, process)
    t.equal(proxy?.outcome, outcome)
    t.match(JSON.stringify(proxy), text)
    t.notMatch(JSON.stringify(proxy), 'hunter2')
  }
  for (const [env, outcome, found] of [
    [{}, 'passed', 'the authorities of Node'],
    [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'failed', 'accepts every certificate'],
    [{ NODE_EXTRA_CA_CERTS: join(dir, 'ca.pem') }, 'passed', 'a readable file'],
    [{ NODE_EXTRA_CA_CERTS: join(dir, 'absent.pem') }, 'failed', 'cannot be read'],
  ] as const) {
    const [, tls] = await checkEnvironment(env)
    t.match(tls, { outcome, found })
  }
})
