/**
 * The code blocks of README.md, SECURITY.md, docs and the doc comments of src compile, and run if
 * they are marked so.
 *
 * Every block names its language. A block of `ts` is a complete module, compiled alone against the
 * built package, unless a hidden comment on the line before it, `<!-- code: … -->`, declares it as
 *
 * - `fragment`: the names that it omits are declared in `fixtures/code-blocks/names.ts`;
 * - `options of Type`: members of an object of that type, which is declared there as well;
 * - `file app.ts`: a module that other blocks of the page import as `./app.js`;
 * - `run`: a complete program that also runs, prints the comments beside its `console.log` calls,
 *   and ends with exit code 0 and an empty stderr;
 * - `serve`: a complete program that also runs. On port 3000, for tokens of the issuer that it names
 *   (replaced by the embedded server), it serves `/me`, `/orders` with the scope `orders:read`, and
 *   `/health` without a token;
 * - `peer`: code for a package that is not a dependency of this one; it is only parsed.
 *
 * A block of `js` is a `peer`. Blocks of `json` are parsed. In blocks of `sh`, `npm run` must name a
 * script of package.json.
 */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { createAuthorizationServer } from '../../src/testing/index.js'
import {
  type Block,
  blocksOf,
  examplesOf,
  expressionsOf,
  pages,
  read,
  root,
  sources,
} from '../fixtures/code-blocks/blocks.js'
import { mistakesIn, syntaxMistakesIn } from '../fixtures/code-blocks/compile.js'
import { javascriptOf, pathOf, statedOutput } from '../fixtures/code-blocks/program.js'
import { runInSequence, serve } from '../fixtures/programs/run.js'

// The compiler and a dozen processes take seconds, but minutes on a busy machine.
t.setTimeout(600_000)

const LANGUAGES = ['ts', 'js', 'json', 'sh', 'text', 'http', 'nginx', 'yaml', 'mermaid']
const DIRECTIVES = /^(|fragment|options of \w+|file [\w-]+\.ts|run|serve|peer)$/

const blocks = pages.flatMap((page) => blocksOf(page, read(page)))
const isPeer = ({ language, directive }: Block) => language === 'js' || directive === 'peer'
const typescript = blocks.filter((block) => block.language === 'ts' && !isPeer(block))
const isPlayed = ({ directive }: Block) => directive === 'run' || directive === 'serve'
const place = ({ page, line }: Block) => `${page}:${line}`

t.test('every block names its language and a known kind', async (t) => {
  t.ok(blocks.length > 50)
  for (const block of blocks) {
    t.ok(LANGUAGES.includes(block.language), `${place(block)} ${block.language}`)
    t.match(block.directive, DIRECTIVES, place(block))
    if (block.directive !== '') t.match(block.language, /^[tj]s$/, place(block))
  }
})

t.test(
  'every block of TypeScript, expression in the text and @example of src compiles',
  async (t) => {
    const expressions = pages.flatMap((page) => expressionsOf(page, read(page)))
    t.ok(expressions.length > 20)
    const examples = sources.flatMap((file) => examplesOf(file, read(file)))
    t.ok(examples.length > 25)
    const wrong = (line: number, directive: string, code: string): Block => {
      return { page: 'wrong', line, language: 'ts', code, directive }
    }
    // One program for all of them, because creating it takes most of the time.
    const found = mistakesIn([
      ...typescript,
      ...expressions,
      ...examples,
      wrong(10, '', 'const name = "api"\nname.lenght'),
      wrong(20, 'fragment', "await app.register(resourceServer, { issuer, audiance: 'api' })"),
      wrong(30, 'fragment', "app.get('/', { config: { auth: { scopes: 'a' } } }, handler)"),
      wrong(40, 'options of RouteShorthandOptions', 'config: {\n  auth: { acr: 1 },\n}'),
      wrong(50, '', 'console.log(app)'),
      wrong(60, '', "import { gone } from 'fastify-resource-server'"),
      ...expressionsOf('wrong', 'Call `app.resourceServer.verify(7)`, read `request.auth.user`.'),
    ])
    const isExpected = (mistake: string) => mistake.startsWith('wrong:')
    t.strictSame(
      found.filter((mistake) => !isExpected(mistake)),
      [],
    )
    const codes = [
      ':11 TS2551',
      ':20 TS2769',
      ':30 TS2322',
      ':41 TS2322',
      ':50 TS2304',
      ':60 TS2614',
    ]
    const expected = [...codes, ':1 TS2345', ':1 TS2339'].map((code) => `wrong${code}`)
    const actual = found.filter(isExpected).map((mistake) => mistake.split(' ', 2).join(' '))
    t.strictSame(actual.sort(), expected.sort())
  },
)

t.test('code for other packages can be parsed', async (t) => {
  for (const block of blocks.filter(isPeer)) t.strictSame(syntaxMistakesIn(block), [])
  t.match(syntaxMistakesIn({ ...(blocks[0] as Block), code: 'app.get(' }), [/expected/])
})

t.test('JSON can be parsed', async (t) => {
  for (const block of blocks.filter(({ language }) => language === 'json')) {
    t.doesNotThrow(() => JSON.parse(block.code), place(block))
  }
})

t.test('every npm script in a block exists', async (t) => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  for (const page of pages) {
    for (const [command, name = ''] of read(page).matchAll(/npm run ([\w:-]+)/g)) {
      t.ok(Object.hasOwn(scripts, name), `${page}: ${command}`)
    }
    for (const [command, name = ''] of read(page).matchAll(/npm run suite -- ([\w-]+)/g)) {
      t.ok(existsSync(`${root}suites/${name}/run.js`), `${page}: ${command}`)
    }
  }
})

t.test('programs print the output in their comments', async (t) => {
  await using authorizationServer = await createAuthorizationServer()
  const { issuer } = authorizationServer
  const played = new Set(typescript.filter(isPlayed).map(({ page }) => page))
  const needed = typescript.filter(({ page }) => played.has(page))
  const files = needed.map((block) => [pathOf(block), javascriptOf(block, issuer)] as const)
  const folder = t.testdir(foldersOf(files))

  const fileOf = (block: Block) => `${folder}/${pathOf(block)}`

  const running = typescript.filter(({ directive }) => directive === 'run')
  const outcomes = await runInSequence(running.map(fileOf))
  for (const block of running) {
    await t.test(place(block), async (t) => {
      const { stdout, ...outcome } = outcomes.get(fileOf(block)) ?? { stdout: '' }
      t.strictSame(outcome, { code: 0, stderr: '' }, stdout)
      const stated = statedOutput(block)
      if (stated.length > 0) t.strictSame(stdout.trimEnd().split('\n'), stated)
    })
  }

  const without = await authorizationServer.issueToken({}, { scope: 'profile' })
  const withScope = await authorizationServer.issueToken({}, { scope: 'orders:read' })
  const serving = typescript.filter(({ directive }) => directive === 'serve')
  const { urls, stop } = await serve(serving.map(fileOf))
  for (const [at, block] of serving.entries()) {
    await t.test(place(block), async (t) => {
      const statusOf = async (path: string, token?: string) => {
        const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
        return (await fetch(`${urls[at]}${path}`, { headers })).status
      }
      t.equal(await statusOf('/me'), 401)
      t.equal(await statusOf('/me', without), 200)
      t.equal(await statusOf('/orders', without), 403)
      t.equal(await statusOf('/orders', withScope), 200)
      t.equal(await statusOf('/health'), 200)
    })
  }
  await stop()
})

/** Returns files in the form of `t.testdir`. */
function foldersOf(files: readonly (readonly [string, string])[]) {
  const folders: Record<string, Record<string, string>> = {}
  for (const [path, text] of files) {
    const [folder = '', name = ''] = path.split('/')
    folders[folder] = { ...folders[folder], [name]: text }
  }
  return folders
}
