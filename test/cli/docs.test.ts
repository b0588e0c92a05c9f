/** docs/command-line.md shows the output of the commands. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { runHere } from './fixtures/run.js'

const GUIDE = readFileSync(new URL('../../docs/command-line.md', import.meta.url), 'utf8')

/** Replaces the values that differ in each run. */
function constant(text: string): string {
  return text
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:9000')
    .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME')
    .replace(/\b\d{10}\b/g, 'SECONDS')
    .replace(/"[\w-]{43}"/g, '"KID"')
    .replace(/AT\.[\w-]+/g, 'JTI')
    .replace(/one token of \d+/, 'one token of N')
    .trim()
}

t.test('the guide shows the output of explain', async (t) => {
  const server = await createAuthorizationServer({ profile: 'okta' })
  t.teardown(() => server.close())
  const now = Math.floor(Date.now() / 1000)
  const token = await server.issueToken(
    { iat: now - 9_000, exp: now - 7_200, aud: 'api://other' },
    { scope: 'openid profile' },
  )
  const shown = /```text\n([\s\S]+?)\n```/.exec(GUIDE)?.[1] as string
  const args = /explain (--issuer [\s\S]+?)\n```/.exec(GUIDE)?.[1] as string
  const { stdout, code } = await runHere(
    [
      'explain',
      ...args.split(/[\s\\]+/).map((arg) => (arg.startsWith('http') ? server.issuer : arg)),
    ],
    { input: token },
  )
  t.equal(code, 1)
  t.equal(constant(stdout), constant(shown))
})

t.test('the guide lists the exit codes of the help, and only existing flags', async (t) => {
  const { stdout } = await runHere(['--help'])
  for (const [, code, meaning] of stdout.matchAll(/^ {2}(\d+) +(.+)$/gm)) {
    t.ok(GUIDE.includes(`| ${code} | ${meaning} |`), `${code}`)
  }
  const helps = await Promise.all(
    ['token', 'explain', 'serve'].map((name) => runHere([name, '--help'])),
  )
  const known = helps.map((help) => help.stdout).join('\n')
  for (const [flag] of GUIDE.matchAll(/--[a-z][a-z-]+/g)) {
    if (!['--password', '--client-secret'].includes(flag)) t.ok(known.includes(flag), flag)
  }
})
