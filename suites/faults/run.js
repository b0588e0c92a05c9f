/**
 * Measures what callers observe when an authorization server rotates its keys, slows down, hangs,
 * sends invalid responses or goes down. Sends requests over real sockets to the built package, and
 * to an API with jose's `createRemoteJWKSet`.
 *
 *   npm run suite -- faults
 *   node suites/faults/run.js --markdown     the table for docs/keys.md
 *   node suites/faults/run.js rotation       the cases with this text in their name
 */
import { cases } from './cases.js'
import { endIdleProcesses } from './harness/api.js'
import { runCase } from './run-case.js'
import { asMarkdown, forTerminal } from './table.js'

const markdown = process.argv.includes('--markdown')
const nameParts = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const selected = cases.filter(({ name }) => nameParts.every((part) => name.includes(part)))
// With `--markdown`, stdout contains only the table.
const report = markdown ? console.error : console.log

const startedAt = performance.now()
const rows = new Map()
let reportedCount = 0
await runCases(selected.filter(({ heavy }) => heavy))
await Promise.all([runCases(lightCases()), runCases(lightCases())])
await endIdleProcesses()

const failed = [...rows.values()].filter(({ failures }) => failures.length > 0)
if (markdown) console.log(asMarkdown(selected.map((faultCase) => rows.get(faultCase))))
report(`${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
report(`${rows.size - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length > 0 || rows.size === 0 ? 1 : 0

/** Yields each case that may run in parallel. The callers share the cases: each case runs once. */
function* lightCases() {
  for (const faultCase of selected) {
    if (faultCase.heavy || rows.has(faultCase)) continue
    rows.set(faultCase, undefined)
    yield faultCase
  }
}

async function runCases(faultCases) {
  for (const faultCase of faultCases) {
    rows.set(faultCase, await runCase(faultCase))
    // Reports rows in the order of the table, each as soon as all earlier cases have finished.
    for (; rows.get(selected[reportedCount]) !== undefined; reportedCount++)
      report(forTerminal(rows.get(selected[reportedCount])))
  }
}
