/** docs/command-line.md shows the output of the commands, and docs/security-events.md two of them. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { runHere } from './fixtures/run.js'

const read = (page: string) =>
  readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), 'utf8')
const GUIDE = read('command-line')
const SECURITY_EVENTS = read('security-events')

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
    ['init', 'token', 'explain', 'doctor', 'serve', 'stream'].map((name) =>
      runHere([name, '--help']),
    ),
  )
  const known = helps.map((help) => help.stdout).join('\n')
  for (const [flag] of GUIDE.matchAll(/--[a-z][a-z-]+/g)) {
    if (!['--password', '--client-secret', '--access-token'].includes(flag))
      t.ok(known.includes(flag), flag)
  }
})

t.test('the guide shows the output of stream create', async (t) => {
  const server = await createAuthorizationServer()
  t.teardown(() => server.close())
  const [, command, shown] =
    /```sh\n(npx fastify-resource-server stream create [\s\S]+?)\n```\n\n```text\n([\s\S]+?)\n```/.exec(
      GUIDE,
    ) as unknown as [string, string, string]
  const args = command.split(/[\s\\]+/).slice(2)
  const env = {
    FRS_ACCESS_TOKEN: await server.issueToken(),
    FRS_PUSH_AUTHORIZATION: 'Bearer 6f0c',
  }
  const own = (arg: string) => arg.replace('http://127.0.0.1:9000/oauth2/default', server.issuer)
  const { code, stdout } = await runHere(args.map(own), { env })
  t.equal(code, 0)
  const withoutId = (text: string) => constant(text).replace(/[\da-f-]{36}/g, 'ID')
  t.equal(withoutId(stdout), withoutId(shown))
})

const skip = !existsSync('/usr/bin/curl') && 'there is no /usr/bin/curl'
t.test(
  'the guide to security events creates a stream, with and without curl',
  { skip },
  async (t) => {
    const server = await createAuthorizationServer()
    t.teardown(() => server.close())
    const authorizations: (string | undefined)[] = []
    const api = createServer((request, response) => {
      authorizations.push(request.headers.authorization)
      response.writeHead(202).end()
    })
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
    t.teardown(() => api.close())
    const { port } = api.address() as AddressInfo
    const metadata = await (await fetch(server.ssfConfigurationUrl)).json()
    const { configuration_endpoint: streams } = metadata as { configuration_endpoint: string }
    const env = {
      PATH: process.env.PATH ?? '',
      FRS_ACCESS_TOKEN: await server.issueToken(),
      FRS_PUSH_AUTHORIZATION: 'Bearer 6f0c',
    }
    const own = (text: string) =>
      text
        .replaceAll('https://api.example.com', `http://127.0.0.1:${port}`)
        .replaceAll('https://login.example.com/ssf/streams', streams)
        .replaceAll('https://login.example.com', server.issuer)
    const [, section = ''] = /\n## Create the stream\n([\s\S]*?)\n## /.exec(SECURITY_EVENTS) ?? []
    const [command = '', curl = ''] = [...section.matchAll(/```sh\n([\s\S]+?)\n```/g)].map(
      ([, script]) => own(script as string),
    )
    const args = command.slice(command.indexOf('npx')).split(/[\s\\]+/)
    const created = await runHere(args.slice(2), { env })
    t.equal(created.code, 0, created.stderr)

    const { stdout } = await promisify(execFile)('/bin/sh', ['-e', '-c', curl], {
      cwd: t.testdir(),
      env,
    })
    const { stream_id: id, ...configuration } = JSON.parse(stdout)
    t.match(id, /^[\da-f-]{36}$/)
    const list = await runHere(['stream', 'list', '--issuer', server.issuer, '--json'], { env })
    const [byCommand, ...rest] = JSON.parse(list.stdout)
    t.match(byCommand, configuration, 'both create the same stream')
    t.equal(rest.length, 1)
    await server.sendSecurityEvent()
    t.strictSame(authorizations, ['Bearer 6f0c', 'Bearer 6f0c'])
  },
)
