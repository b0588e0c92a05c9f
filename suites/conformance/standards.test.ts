/**
 * Every rule for a resource server has a check in the conformance suite (`npm run suite --
 * conformance`), or a test if no caller can see the property; and every check can fail.
 */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { readArguments } from './arguments.js'
import { FEATURES, type Feature } from './check.js'
import { challengesOf } from './harness/challenges.js'
import { createTestCredentials } from './harness/harness.js'
import { invisibleProperties } from './invisible-properties.js'
import { runChecks } from './run-checks.js'
import { checks, ids } from './suite.js'
import { checksByTargets, forTerminal, idsByTargets } from './table.js'
import { helper } from './targets/helper.js'
import { ours } from './targets/ours.js'
import type { Target } from './targets/target.js'

/** Groups of rules, with the number of rows in each. */
const ROWS = { B: 10, J: 17, E: 4, D: 4, I: 5, P: 7, R: 6, A: 3, G: 4 }
const STANDARDS = Object.entries(ROWS).flatMap(([group, count]) =>
  Array.from({ length: count }, (_, i) => `${group}${i + 1}`),
)

t.test('every rule has a check, or a test if no caller can see the property', async (t) => {
  t.strictSame(ids, STANDARDS)
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  const tests = files
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(`test/${file}`, 'utf8'))
    .join('\n')
  for (const { id, test } of invisibleProperties)
    t.ok(tests.includes(`'${test}'`), `${id}: ${test}`)
})

t.test('every check applies to at least one mode of this package', async (t) => {
  for (const { id, title, needs } of checks) {
    const modes = [...ours, helper].filter(({ features }) =>
      needs.every((feature) => features.has(feature)),
    )
    t.ok(modes.length > 0, `${id}: ${title}`)
  }
  const titles = checks.map(({ id, title, section }) => `${id} ${title} ${section}`)
  t.equal(new Set(titles).size, titles.length, 'titles are unique')
})

t.test(
  'no check passes both at an API that accepts every request and at one that rejects every request',
  async (t) => {
    const credentials = await createTestCredentials()
    // The "recheck" rules wait for a rejection that would never come here.
    const skipped: readonly Feature[] = ['password-grant', 'recheck']
    const applying = checks.filter(
      ({ needs }) => !needs.some((feature) => skipped.includes(feature)),
    )
    const all = await Promise.all(
      [
        fake('open', (_request, response) => response.end('{}')),
        fake('closed', (_request, response) => response.writeHead(503).end()),
      ].map((target) => runChecks(target, applying, credentials)),
    )
    const [open, closed] = all
    for (const [i, { id, title }] of applying.entries()) {
      const statuses = [open?.results[i]?.status, closed?.results[i]?.status]
      t.ok(statuses.includes('fail'), `${id}: ${title}: ${statuses}`)
    }
    for (const target of all) t.match(forTerminal(target), /✘[\s\S]+expected[\s\S]+found/)
    t.match(idsByTargets(all), /\| B1 \| ✘ \| ✘ \|/)
    t.match(checksByTargets(all), /✘ 200/)
  },
)

/** An API that claims all features, and sends the same response to every request. */
function fake(name: string, listener: RequestListener): Target {
  return {
    name,
    features: new Set(Object.keys(FEATURES) as Feature[]),
    resource: 'https://api.example/orders',
    async start() {
      const server = createServer(listener).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      return {
        url: `http://127.0.0.1:${port}`,
        async close() {
          server.closeAllConnections()
          await new Promise((done) => server.close(done))
        },
      }
    },
  }
}

t.test('parses challenges with the syntax of RFC 9110, and no others', async (t) => {
  const bearer = { scheme: 'bearer', parameters: { realm: 'a, b', error: 'invalid_token' } }
  const valid = 'Bearer realm="a, b", error="invalid_token"'
  t.strictSame(challengesOf([valid]), [bearer])
  t.strictSame(challengesOf(['BEARER realm="a, b" ,error = invalid_token']), [bearer])
  const both = [bearer, { scheme: 'dpop', parameters: { algs: 'ES256' } }]
  t.strictSame(challengesOf([valid, 'DPoP algs="ES256"']), both)
  t.strictSame(challengesOf([`${valid}, DPoP algs="ES256"`]), both)
  t.strictSame(challengesOf(['Negotiate']), [{ scheme: 'negotiate', parameters: {} }])
  for (const malformed of [
    'Bearer realm="a" error="b"',
    'Bearer realm="\\"',
    'Bearer e="a", E="b"',
    '"',
  ]) {
    t.equal(challengesOf([malformed]), undefined, malformed)
  }
})

t.test('parses the command line, and rejects invalid options', async (t) => {
  const { url, isSelected, issuerPort } = readArguments([
    '--url=http://127.0.0.1:3000/v1',
    '--with=dpop',
    '--without=es256',
    '--only=B,J10',
    '--issuer-port=0',
  ])
  t.equal(issuerPort, 0)
  t.ok(url?.features.has('dpop') && !url.features.has('dpop-off') && !url.features.has('es256'))
  t.strictSame(STANDARDS.filter(isSelected), [...STANDARDS.slice(0, 10), 'J10'])
  for (const args of [
    ['--only=B11'],
    ['--only=Z'],
    ['--with=unknown'],
    ['--with=everything'],
    ['--with=metadata'],
    ['--url=ftp://x'],
    ['--url=x'],
    ['--issuer-port=x'],
    ['--issuer-port=65536'],
    ['--unknown'],
  ]) {
    t.throws(() => readArguments(args), TypeError, args.join())
  }
})
