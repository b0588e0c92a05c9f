/**
 * Checks that the package can be published from this working tree: `npm run release:check`. Packs it
 * as npm does, and prints one line per check. Changes nothing outside `dist` and `.build`, and
 * publishes nothing.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { npm, pack, root } from './packed-package.js'
import {
  changelogProblems,
  contentProblems,
  manifestProblems,
  readmeProblems,
  textProblems,
  treeProblems,
} from './release/checks.js'

const read = (path) => readFileSync(join(root, path), 'utf8')
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' })

const manifest = JSON.parse(read('package.json'))
// Before packing, which builds dist.
const status = git('status', '--porcelain')
const temporary = mkdtempSync(join(tmpdir(), 'release-check-'))
let paths
try {
  const { files } = await pack(temporary)
  paths = files.map(({ path }) => path)
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
const registry = (await npm(['config', 'get', 'registry'], root)).trim()
const hosts = [new URL(registry).host, 'registry.npmjs.org', 'registry.yarnpkg.com']
const texts = new Map(paths.map((path) => [path, read(path)]))
const changelog = read('CHANGELOG.md')

const checks = {
  'fields of package.json': manifestProblems(manifest),
  'files of the tarball': contentProblems(manifest, paths),
  'text of the tarball': textProblems(texts, { folders: [root, `${homedir()}/`, tmpdir()], hosts }),
  'links of README.md': readmeProblems(manifest, read('README.md'), git('ls-files').split('\n')),
  'CHANGELOG.md': changelogProblems(manifest, changelog),
  'working tree': treeProblems(status),
}
for (const [name, problems] of Object.entries(checks)) {
  if (problems.length === 0) console.log(`ok ${name}`)
  else console.error([`not ok ${name}`, ...problems].join('\n    '))
}
if (changelog.includes(`## ${manifest.version} (unreleased)`)) {
  console.log(`note: write the date of the release instead of "(unreleased)" into CHANGELOG.md`)
}
const count = Object.values(checks).flat().length
console.log(
  count === 0 ? 'The package can be published.' : `${count} problems: nothing was published.`,
)
if (count > 0) process.exitCode = 1
