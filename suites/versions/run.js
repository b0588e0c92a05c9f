/**
 * Runs the tests with every version that package.json allows: Node from the lowest on (npm's `node`
 * package), and the lowest and the latest dependencies, each in a copy of this repository in a
 * temporary folder. The tests report the versions that actually ran. Fetches from the registry.
 *
 *     npm run suite -- versions       # a stated part of the suite (versions/suite.js)
 *     npm run suite -- versions --all # the whole suite on each
 *     npm run suite -- versions --only node22,lowest
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { copyRepository } from './copy.js'
import { installDependencies } from './dependencies.js'
import { installNode } from './node-release.js'
import { rows } from './rows.js'
import { runSuite } from './suite.js'
import { table } from './table.js'

const { values } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: rows.map(({ name }) => name).join() },
  },
})
const names = values.only.split(',')
const unknown = names.filter((name) => !rows.some((row) => row.name === name))
if (unknown.length > 0 || (values.all && values.quick)) {
  const rowNames = rows.map(({ name }) => name).join(', ')
  console.error(`--only takes any of ${rowNames}; --all and --quick are mutually exclusive`)
  process.exit(2)
}

const temporary = await mkdtemp(join(tmpdir(), 'versions-'))
const results = []
try {
  const copy = await copyRepository(join(temporary, 'repository'))
  for (const row of rows.filter(({ name }) => names.includes(name))) {
    const started = Date.now()
    try {
      const node = await installNode(join(temporary, row.name), row.node)
      if (row.dependencies) await installDependencies(copy, row.dependencies)
      const result = await runSuite(copy, node, row, values.all)
      results.push({ row, ...result, seconds: Math.round((Date.now() - started) / 1000) })
    } catch (error) {
      results.push({ row, ok: false, problem: error.message })
    }
    const { ok, problem = '' } = results.at(-1)
    console.log(`${ok ? 'ok' : 'not ok'} ${row.name} ${problem}`.trimEnd())
  }
} finally {
  await rm(temporary, { recursive: true, force: true })
}

console.log(`\n${new Date().toISOString().slice(0, 10)}, ${values.all ? 'all' : 'quick'}\n`)
console.log(table(results))
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1
