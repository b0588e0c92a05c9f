/**
 * Every rule that a resource server owes has a check in the conformance suite (`npm run
 * conformance`), or a test in its place where no caller can see it; and every check can fail.
 */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { readArguments } from './arguments.js'
import { FEATURES, type Feature } from './check.js'
import { play } from './play.js'
import { challengesOf } from './stage/challenges.js'
import { makeProperties } from './stage/stage.js'
import { checks, ids } from './suite.js'
import { checksByTargets, forTerminal, idsByTargets } from './table.js'
import { helper } from './targets/helper.js'
import { ours } from './targets/ours.js'
import type { Target } from './targets/target.js'
import { unseen } from './unseen.js'

/** The rows of the list of rules: its groups, and how many there are of each. */
const ROWS = { B: 10, J: 17, D: 4, I: 5, P: 7, R: 6, G: 4 }
const STANDARDS = Object.entries(ROWS).flatMap(([group, count]) =>
  Array.from({ length: count }, (_, i) => `${group}${i + 1}`),
)

t.test('every rule has a check, or the test that shows what no caller can see', async (t) => {
  t.strictSame(ids, STANDARDS)
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  const tests = files
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(`test/${file}`, 'utf8'))
    .join('\n')
  for (const { id, test } of unseen) t.ok(tests.includes(`'${test}'`), `${id}: ${test}`)
})

t.test('every check is run against this package in at least one of its modes', async (t) => {
  for (const { id, title, needs } of checks) {
    const modes = [...ours, helper].filter(({ features }) =>
      needs.every((one) => features.has(one)),
    )
    t.ok(modes.length > 0, `${id}: ${title}`)
  }
  const titles = checks.map(({ id, title, section }) => `${id} ${title} ${section}`)
  t.equal(new Set(titles).size, titles.length, 'and has a title of its own')
})

t.test('no check passes both where all get in and where nobody does', async (t) => {
  const properties = await makeProperties()
  // What is refused soon, and not at once, is waited for too long where it never is.
  const left: readonly Feature[] = ['password-grant', 'recheck']
  const applying = checks.filter(({ needs }) => !needs.some((one) => left.includes(one)))
  const played = await Promise.all(
    [
      fake('open', (_request, response) => response.end('{}')),
      fake('closed', (_request, response) => response.writeHead(503).end()),
    ].map((target) => play(target, applying, properties)),
  )
  const [open, closed] = played
  for (const [i, { id, title }] of applying.entries()) {
    const verdicts = [open?.results[i]?.verdict, closed?.results[i]?.verdict]
    t.ok(verdicts.includes('fail'), `${id}: ${title}: ${verdicts}`)
  }
  for (const one of played) t.match(forTerminal(one), /✘[\s\S]+expected[\s\S]+found/)
  t.match(idsByTargets(played), /\| B1 \| ✘ \| ✘ \|/)
  t.match(checksByTargets(played), /✘ 200/)
})

/** An API that does everything, as it says, and answers all the same. */
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

t.test('a challenge is read as RFC 9110 writes it, and no other way', async (t) => {
  const bearer = { scheme: 'bearer', parameters: { realm: 'a, b', error: 'invalid_token' } }
  const good = 'Bearer realm="a, b", error="invalid_token"'
  t.strictSame(challengesOf([good]), [bearer])
  t.strictSame(challengesOf(['BEARER realm="a, b" ,error = invalid_token']), [bearer])
  const both = [bearer, { scheme: 'dpop', parameters: { algs: 'ES256' } }]
  t.strictSame(challengesOf([good, 'DPoP algs="ES256"']), both)
  t.strictSame(challengesOf([`${good}, DPoP algs="ES256"`]), both)
  t.strictSame(challengesOf(['Negotiate']), [{ scheme: 'negotiate', parameters: {} }])
  for (const bad of [
    'Bearer realm="a" error="b"',
    'Bearer realm="\\"',
    'Bearer e="a", E="b"',
    '"',
  ]) {
    t.equal(challengesOf([bad]), undefined, bad)
  }
})

t.test('what is said on the command line is understood, or refused', async (t) => {
  const { url, isWanted, issuerPort } = readArguments([
    '--url=http://127.0.0.1:3000/v1',
    '--with=dpop',
    '--without=es256',
    '--only=B,J10',
    '--issuer-port=0',
  ])
  t.equal(issuerPort, 0)
  t.ok(url?.features.has('dpop') && !url.features.has('dpop-off') && !url.features.has('es256'))
  t.strictSame(STANDARDS.filter(isWanted), [...STANDARDS.slice(0, 10), 'J10'])
  for (const args of [
    ['--only=B11'],
    ['--only=Z'],
    ['--with=anew'],
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
