/**
 * Measures what callers observe when an authorization server rotates its keys, slows down, hangs,
 * sends wrong responses or goes down: over real sockets, with the package as built and with jose's
 * `createRemoteJWKSet`.
 *
 *   npm run suite -- faults
 *   node suites/faults/run.js --markdown     the table for docs/keys.md
 *   node suites/faults/run.js rotation       the cases with that in their name
 */
import { cases } from './cases.js'
import { endIdleProcesses } from './harness/api.js'
import { runCase } from './run-case.js'
import { asMarkdown, forTerminal } from './table.js'

const markdown = process.argv.includes('--markdown')
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const chosen = cases.filter(({ name }) => named.every((part) => name.includes(part)))
// With `--markdown`, stdout contains only the table.
const tell = markdown ? console.error : console.log

const begun = performance.now()
const rows = new Map()
let told = 0
await runSome(chosen.filter(({ heavy }) => heavy))
await Promise.all([runSome(light()), runSome(light())])
await endIdleProcesses()

const failed = [...rows.values()].filter(({ wrong }) => wrong.length > 0)
if (markdown) console.log(asMarkdown(chosen.map((one) => rows.get(one))))
tell(`${((performance.now() - begun) / 1000).toFixed(0)} s`)
tell(`${rows.size - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length > 0 || rows.size === 0 ? 1 : 0

/** Yields each case that may run in parallel with others once, to either consumer. */
function* light() {
  for (const one of chosen) {
    if (one.heavy || rows.has(one)) continue
    rows.set(one, undefined)
    yield one
  }
}

async function runSome(some) {
  for (const one of some) {
    rows.set(one, await runCase(one))
    // Prints in the order of the table, each as soon as all earlier ones are finished.
    for (; rows.get(chosen[told]) !== undefined; told++) tell(forTerminal(rows.get(chosen[told])))
  }
}
