/** `scripts/release/checks.js`: each check finds what it is for, in fixtures and in this package. */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import {
  changelogProblems,
  contentProblems,
  manifestProblems,
  OWNER_FIELDS,
  readmeProblems,
  textProblems,
  treeProblems,
} from '../../scripts/release/checks.js'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

const MANIFEST = {
  name: 'a-package',
  version: '1.2.3',
  repository: { type: 'git', url: 'git+https://github.com/acme/a-package.git' },
  homepage: 'https://a-package.example/',
  bugs: { url: 'https://github.com/acme/a-package/issues' },
  author: 'Ada <ada@acme.example>',
  bin: { 'a-package': 'dist/cli.js' },
  exports: {
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './package.json': './package.json',
  },
}
const FILES = [
  ...['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md'],
  ...['dist/index.js', 'dist/index.d.ts', 'dist/cli.js', 'dist/cli.d.ts', 'dist/chunks/a-B1.js'],
]

t.test('accepts a complete package.json', async (t) => {
  t.strictSame(manifestProblems(MANIFEST), [])
  t.strictSame(manifestProblems({ ...MANIFEST, repository: 'github:acme/a-package' }), [])
  t.strictSame(manifestProblems({ ...MANIFEST, author: { name: 'Ada' } }), [])
})

t.test('says what to add for each missing field of the owner', async (t) => {
  t.strictSame(OWNER_FIELDS, ['repository', 'homepage', 'bugs', 'author'])
  for (const field of OWNER_FIELDS) {
    for (const value of [undefined, '', {}, null]) {
      const [problem = '', ...others] = manifestProblems({ ...MANIFEST, [field]: value })
      t.strictSame(others, [])
      t.ok(problem.startsWith(`package.json has no "${field}": add "${field}": `), problem)
    }
  }
})

t.test('rejects invalid fields of package.json', async (t) => {
  const mistakes: [object, string | RegExp][] = [
    [{ repository: 'acme/a-package' }, 'must be a URL of a git repository, not acme/a-package'],
    [{ repository: { url: 'http://github.com/acme/a' } }, 'must be a URL of a git repository'],
    [{ homepage: 'http://a-package.example' }, '"homepage" in package.json must be an https URL'],
    [{ bugs: { url: 'somewhere' } }, '"bugs" in package.json must be an https URL'],
    [{ private: true }, '"private": true'],
    [{ version: '1.2' }, '"version"'],
  ]
  for (const [mistake, message] of mistakes) {
    const problems = manifestProblems({ ...MANIFEST, ...mistake })
    t.equal(problems.length, 1)
    t.match(problems[0], message)
  }
})

t.test('finds what the tarball lacks, and what it must not have', async (t) => {
  t.strictSame(contentProblems(MANIFEST, FILES), [])
  for (const missing of FILES.filter(
    (path) => !path.includes('chunks') && path !== 'dist/cli.d.ts',
  )) {
    const problems = contentProblems(
      MANIFEST,
      FILES.filter((path) => path !== missing),
    )
    t.match(problems[0], `the tarball lacks ${missing}`)
  }
  const untyped = FILES.filter((path) => path !== 'dist/cli.d.ts')
  t.strictSame(contentProblems(MANIFEST, untyped), ['dist/cli.js has no declaration file'])
  for (const path of [
    'test/a.test.ts',
    'dist/index.js.map',
    '.npmrc',
    'src/index.ts',
    'dist/a.ts',
  ]) {
    t.match(contentProblems(MANIFEST, [...FILES, path])[0], `the tarball has ${path}: remove it`)
  }
  const exports = { '.': { default: './dist/index.js' } }
  t.strictSame(contentProblems({ ...MANIFEST, exports }, FILES), [
    'the export "." has no "types" condition with a .d.ts file',
  ])
})

t.test('finds traces of the machine, registries and missing source maps', async (t) => {
  const machine = { folders: ['/build/agent/7'], hosts: ['npm.acme.example'] }
  const problemsOf = (text: string) =>
    textProblems(
      new Map([
        ['dist/index.js', text],
        ['dist/present.js.map', ''],
      ]),
      machine,
    )
  t.strictSame(problemsOf('export const path = "/etc/ssl"'), [])
  t.strictSame(problemsOf('//# sourceMappingURL=present.js.map'), [])
  t.strictSame(problemsOf('//# sourceMappingURL=data:application/json;base64,e30'), [])
  const traces: [string, string][] = [
    ['//# sourceMappingURL=index.js.map', 'names the source map index.js.map'],
    ['//# sourceMappingURL=../../src/index.js.map', 'names the source map ../../src/index.js.map'],
    ['// from /build/agent/7/src', 'a path of this machine (/build/agent/7)'],
    ['// from /home/ada/a-package', 'a path of this machine (/home/)'],
    ['"resolved": "https://npm.acme.example/jose.tgz"', 'dist/index.js names a registry'],
  ]
  for (const [text, message] of traces) {
    const problems = problemsOf(text)
    t.equal(problems.length, 1, text)
    t.match(problems[0], message)
    t.notMatch(problems[0], 'npm.acme.example', 'does not print the host')
  }
})

t.test('finds links of README.md that do not resolve on the page of a registry', async (t) => {
  const tracked = ['docs/a.md', 'docs/a.png', 'examples/one/main.ts']
  const problemsOf = (readme: string, manifest: object = MANIFEST) =>
    readmeProblems({ ...manifest }, readme, tracked)
  const links = [
    '[a](docs/a.md#b), [folder](examples), ![image](./docs/a.png), [web](https://a.example)',
    '## A `heading`\n[here](#a-heading)',
    '<img src="docs/a.png">',
    '```md\n[in code](nowhere.md)\n```\n`[also](nowhere.md)`',
  ]
  for (const readme of links) t.strictSame(problemsOf(readme), [], readme)
  const dead: [string, string][] = [
    ['[a](docs/b.md)', 'README.md links to docs/b.md, which is not in the repository'],
    ['![a](docs/b.png)', 'docs/b.png'],
    ['[![a](docs/a.png)](docs/b.md)', 'docs/b.md'],
    ['<img src="docs/b.png">', 'docs/b.png'],
    ['[a](../other/a.md)', '../other/a.md'],
    ['[a](#nowhere)', 'the heading #nowhere'],
    ['[a](http://a.example)', 'use https'],
  ]
  for (const [readme, message] of dead) {
    const problems = problemsOf(readme)
    t.equal(problems.length, 1, readme)
    t.match(problems[0], message)
  }
  const elsewhere = { ...MANIFEST, repository: 'https://git.acme.example/a-package.git' }
  t.match(problemsOf('[a](docs/a.md)', elsewhere)[0], '1 relative links')
  t.strictSame(problemsOf('[a](https://a.example)', elsewhere), [])
})

t.test('requires a section with changes for the version', async (t) => {
  for (const heading of ['1.2.3', '1.2.3 (2026-11-30)', '[1.2.3] - 2026-11-30']) {
    t.strictSame(changelogProblems(MANIFEST, `# Changelog\n\n## ${heading}\n\n- A change.\n`), [])
  }
  for (const heading of ['1.2.30', '1.2', 'Unreleased']) {
    const problems = changelogProblems(MANIFEST, `## ${heading}\n\n- A change.\n`)
    t.strictSame(problems, ['CHANGELOG.md has no section "## 1.2.3": add it'])
  }
  const empty = '## 1.2.3\n\n## 1.2.2\n\n- A change.\n'
  t.match(changelogProblems(MANIFEST, empty), [/lists no change/])
})

t.test('requires a clean working tree', async (t) => {
  t.strictSame(treeProblems(''), [])
  const problems = treeProblems(' M src/index.ts\n?? notes.txt\n')
  t.match(problems, [/2 uncommitted changes \(M src\/index\.ts …\)/])
})

t.test('this package lacks only what its owner fills in', async (t) => {
  const manifest = JSON.parse(read('package.json'))
  const missing = OWNER_FIELDS.filter((field) => !Object.hasOwn(manifest, field))
  t.equal(manifestProblems(manifest).length, missing.length)
  t.strictSame(changelogProblems(manifest, read('CHANGELOG.md')), [])
  const folders = ['docs', 'examples', 'src'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map(
      (name) => `${folder}/${name.replaceAll('\\', '/')}`,
    ),
  )
  const tracked = [...readdirSync(root), ...folders]
  t.strictSame(readmeProblems(manifest, read('README.md'), tracked), [])
})
