/** The documentation matches the code: options and their defaults, messages, links. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import t from 'tap'
import { EXCHANGER_OPTIONS, resolveExchanger } from '../../src/exchange/options.js'
import * as face from '../../src/index.js'
import { INTROSPECTION_OPTIONS, resolveIntrospection } from '../../src/introspection/options.js'
import { diagnostics } from '../../src/observability/diagnostics.js'
import { REQUIREMENT_KEYS } from '../../src/policy/requirement.js'
import {
  RESOURCE_SERVER_OPTIONS,
  type ResourceServerOptions,
  resolveOptions,
} from '../../src/server/options.js'
import { ENVIRONMENT_VARIABLES } from '../../src/server/options-from-environment.js'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const filesIn = (folder: string, extension: string) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .map((name) => `${folder}/${name}`)

const ROUTES = read('docs/routes.md')
const OPTIONS = read('docs/options.md')
const START = read('docs/start.md')
const ERRORS = read('docs/errors.md')
const INTROSPECTION = read('docs/introspection.md')
const TENANTS = read('docs/tenants.md')
const OBSERVABILITY = read('docs/observability.md')
const source = filesIn('src', '.ts').map(read).join('\n')
const pages = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', ...filesIn('docs', '.md')]

/** The message of a `TypeError`, which no caller of the API receives. */
const PROGRAMMING_ERROR = 'A verified access token cannot be changed'

/** Returns the first cell of each row. */
function rows(page: string): string[] {
  return [...page.matchAll(/^\| ((?:[^|\\]|\\.)+) \|/gm)].map(([, cell]) => cell as string)
}

function mistake(options: object): string {
  try {
    resolveOptions(options as ResourceServerOptions)
    return 'none'
  } catch (error) {
    return (error as TypeError).message
  }
}

t.test('every option has a heading or a row', async (t) => {
  const rowsOfRoutes = rows(ROUTES)
  const own = ['global', 'extractToken', 'onReject', 'logRejections']
  for (const option of [...RESOURCE_SERVER_OPTIONS, ...own]) {
    t.match(OPTIONS, new RegExp(`^## ${option}$`, 'm'), option)
    t.ok(OPTIONS.includes(`[${option}](#${option.toLowerCase()})`), `${option} in the contents`)
  }
  for (const key of REQUIREMENT_KEYS) {
    t.ok(
      rowsOfRoutes.some((row) => row.startsWith(`\`${key}:`)),
      key,
    )
  }
  const rowsOfPage = rows(INTROSPECTION)
  for (const option of INTROSPECTION_OPTIONS) t.ok(rowsOfPage.includes(`\`${option}\``), option)
})

t.test('every environment variable has a row with its option', async (t) => {
  for (const [name, [option]] of Object.entries(ENVIRONMENT_VARIABLES)) {
    t.match(OPTIONS, new RegExp(`^\\| \`${name}\` \\| \`${option}\``, 'm'), name)
  }
})

t.test('documents the defaults of introspection and tenants', async (t) => {
  const client = { clientId: 'api', clientSecret: 'secret' }
  const resolved = resolveIntrospection(client, false)
  const { issuers } = resolveOptions({ issuer: (_iss) => true, audience: 'api' })
  const numbers = {
    ...Object.fromEntries(Object.entries(resolved).filter(([, value]) => Number.isInteger(value))),
    ...Object.fromEntries(
      Object.entries(issuers)
        .filter(([, value]) => Number.isInteger(value))
        .map(([name, value]) => [`tenants.${name}`, value]),
    ),
  }
  t.equal(Object.keys(numbers).length, 12)
  for (const [name, value] of Object.entries(numbers)) {
    const row = `| \`${name}\` | ${(value as number).toLocaleString('en')} |`
    t.ok(`${INTROSPECTION}${TENANTS}`.includes(row), row)
  }
})

t.test('documents the options of token exchange and their defaults', async (t) => {
  const page = read('docs/token-exchange.md')
  const documented = rows(page)
  for (const option of EXCHANGER_OPTIONS) t.ok(documented.includes(`\`${option}\``), option)
  const client = { clientId: 'api', clientSecret: 'secret' }
  const resolved = resolveExchanger({ issuer: 'https://a.example', ...client })
  const numbers = Object.entries(resolved).filter(([, value]) => Number.isInteger(value))
  t.equal(numbers.length, 6)
  for (const [name, value] of numbers) {
    t.ok(page.includes(`| \`${name}\` | ${(value as number).toLocaleString('en')} |`), name)
  }
})

t.test('every error has a row with its code and status', async (t) => {
  const classes = Object.keys(face).filter((name) => name.endsWith('Error'))
  const bases = ['ResourceServerError', 'UnavailableError']
  for (const name of classes) {
    const row = new RegExp(`^\\| \`${name}\`, \`[a-z_]+\` \\| \\d{3} \\|`, 'm')
    t.match(ERRORS, bases.includes(name) ? `\`${name}\`` : row)
  }
})

t.test('every diagnostics channel has a row with the members of its messages', async (t) => {
  const declarations = read('src/observability/diagnostics.ts')
  const names = Object.keys(diagnostics)
  t.equal(names.length, 9)
  for (const name of names) {
    const row = OBSERVABILITY.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? ''
    const [, message = ''] = new RegExp(`^  '${name}': \\{(.*?)\\}`, 'ms').exec(declarations) ?? []
    const members = [...message.matchAll(/readonly (\w+)\??:/g)].map(([, member]) => member)
    t.ok(members.length > 0)
    for (const member of members) t.ok(row.includes(`\`${member}\``), `${name}: ${member}`)
  }
})

t.test('every check has a row', async (t) => {
  const [, union = ''] =
    /^export type Check =(.*?)^$/ms.exec(read('src/errors/rejection-reason.ts')) ?? []
  const checks = [...union.matchAll(/'([a-z-]+)'/g)].map(([, check]) => `\`${check}\``)
  const [, section = ''] = OBSERVABILITY.split(/^## Checks$/m)
  const described = rows(section.split(/^## /m)[0] ?? '').flatMap((row) => row.split(', '))
  t.same(described.slice(2).sort(), checks.sort())
})

t.test('documents the log lines of the code', async (t) => {
  const [, section = ''] = OBSERVABILITY.split(/^## Log lines$/m)
  const lines = rows(section.split(/^## /m)[0] ?? '').flatMap((row) => row.match(/`[^`]+`/g) ?? [])
  t.equal(lines.length, 42)
  for (const line of lines) {
    for (const part of line.slice(1, -1).split('…')) t.ok(source.includes(part.trim()), part)
  }
})

t.test('quotes start-up errors exactly', async (t) => {
  const audience = 'api'
  const client = { clientId: 'api', clientSecret: 'secret' }
  const one = { issuer: 'https://a.example', audience, introspection: client }
  const mistakes = [
    { ...one, introspection: { clientId: 'api' } },
    { ...one, introspection: { ...client, recheckInterval: 60_000 } },
    { ...one, introspection: { ...client, claims: 'merge' } },
    { audience, issuer: [one, { ...one, issuer: 'https://b.example' }] },
    { ...one, issuer: () => true },
    { audience, issuer: () => true, jwksUri: 'https://a.example/keys' },
  ].map(mistake)
  const quoted = [INTROSPECTION, TENANTS].flatMap((page) =>
    [...page.matchAll(/^```text\n([^`]+)\n```$/gm)].flatMap(([, block]) => `${block}`.split('\n')),
  )
  t.strictSame(quoted, mistakes)
})

t.test('quotes the messages for callers exactly', async (t) => {
  const sentence = /`(The (?:access )?token [^`…]+|an issuer [^`]+)`/g
  for (const page of pages) {
    for (const [, quoted = ''] of read(page).matchAll(sentence)) {
      t.ok(source.includes(`'${quoted}'`), `${page}: ${quoted}`)
    }
  }
  const parts = ['not meant for this resource', 'from an issuer that is not trusted here']
  for (const part of [...parts, 'not active', 'was revoked', 'rejects our credentials']) {
    t.ok(ERRORS.includes(`\`${part}\``) && source.includes(part), part)
  }
})

t.test('explains each sentence of a rejection', async (t) => {
  const folders = 'access-token binding credentials decryption errors issuer pipeline policy'
  const code = [...folders.split(' '), 'revocation', 'token']
    .flatMap((folder) => filesIn(`src/${folder}`, '.ts'))
    .map(read)
    .join('\n')
  const sentences = [...code.matchAll(/'((?:An?|The|More|Token) [^'.]{10,})'/g)].flatMap(
    ([, sentence = '']) => (sentence === PROGRAMMING_ERROR ? [] : sentence),
  )
  t.ok(sentences.length > 40)
  const explained = START + ERRORS
  for (const sentence of sentences) t.ok(explained.includes(`\`${sentence}\``), sentence)
})

t.test('every guide has a line in the index of its folder', async (t) => {
  const guides = pages.filter((page) => page.startsWith('docs/') && !page.endsWith('/README.md'))
  t.ok(guides.length > 10)
  const indexes = pages.filter((page) => page.startsWith('docs/') && page.endsWith('/README.md'))
  const links = new Map(indexes.map((page) => [posix.dirname(page), read(page)]))
  for (const guide of guides) {
    const index = links.get(posix.dirname(guide)) === undefined ? 'docs' : posix.dirname(guide)
    const file = guide.slice(`${index}/`.length)
    t.ok(links.get(index)?.includes(`[${file.replace(/\.md$/, '')}](${file})`), guide)
  }
  for (const folder of links.keys()) {
    const link = `(${folder.slice('docs/'.length)}/README.md)`
    if (folder !== 'docs') t.ok(links.get('docs')?.includes(link), folder)
  }
})

t.test('every link has a target', async (t) => {
  for (const page of pages) {
    for (const [, link = ''] of read(page).matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [path, heading] = link.split('#')
      const target = path ? new URL(path, new URL(page, root)) : new URL(page, root)
      t.ok(existsSync(target), `${page}: ${link}`)
      if (heading === undefined) continue
      const headings = readFileSync(target, 'utf8').match(/^#+ .*$/gm) ?? []
      t.ok(headings.map(slug).includes(heading), `${page}: ${link}`)
    }
  }
})

t.test('the MCP guide cites each of its tests by title', async (t) => {
  const titles = [...read('test/api/mcp.test.ts').matchAll(/'(M\d: [^\n]+)'/g)].map(
    ([, title]) => title,
  )
  const cited = [...read('docs/mcp.md').matchAll(/`(M\d: [^`]+)`/g)].map(([, title]) => title)
  t.ok(titles.length > 15)
  t.same([...new Set(cited)].sort(), titles.sort())
})

t.test('every file that a page names exists', async (t) => {
  // A recipe names the files of its own project.
  for (const page of pages.filter((page) => !page.startsWith('docs/recipes/'))) {
    for (const [, path = ''] of read(page).matchAll(
      /`((?:src|test|suites|scripts|examples)\/[\w./-]+)`/g,
    )) {
      t.ok(existsSync(new URL(path, root)), `${page}: ${path}`)
    }
  }
})

/** Returns the anchor that GitHub generates. */
function slug(heading: string): string {
  return heading
    .replace(/^#+ /, '')
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-')
}

t.test('each finding and each attack of the security review has a unique id', async (t) => {
  const ids = rows(read('docs/evidence/security-review.md')).filter((cell) =>
    /^[A-Z]+\d+$/.test(cell),
  )
  t.ok(ids.length > 100)
  t.same(
    ids.filter((id, index) => ids.indexOf(id) !== index),
    [],
  )
})

t.test('the evidence for security events cites existing tests', async (t) => {
  const page = read('docs/evidence/security-events.md')
  const tests = [
    'security-events/security-event-token',
    'security-events/poller',
    'security-events/subjects',
    'security-events/security-events',
    'security-events/feed-status',
    'plugin/security-event-push',
    'cli/stream',
  ].map((file) => read(`test/${file}.test.ts`))
  const titles = tests.join('\n')
  const cited = [...page.matchAll(/\b[EPQ]\d+\b(?!`)/g)].map(([id]) => id)
  t.ok(cited.length > 20)
  for (const id of cited) t.ok(titles.includes(`t.test('${id}: `), id)
  const quoted = [...page.matchAll(/`([a-z][^`/]* [^`/]*)`/g)].map(([, title]) => title as string)
  t.ok(quoted.length > 8)
  for (const title of quoted) {
    t.ok(titles.includes(`'${title}'`), title)
  }
})
