/**
 * Mutation testing of the code that protects a route: Stryker's mutators change each line, and the
 * tests must fail.
 *
 *   npm run suite -- mutation               all mutants, which takes hours
 *   npm run suite -- mutation --only token  mutants of the files with this text in their path
 *   npm run suite -- mutation --again       mutants that survived the last run, or are new
 *   npm run suite -- mutation --minutes 20  as many mutants as 20 minutes allow
 *   npm run suite -- mutation --hasty       without the tests that take seconds
 *
 * Fails if a mutant survives that explained.js does not list.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { baseline, planFor } from './baseline.js'
import { bundle } from './bundle.js'
import { distribute } from './distribute.js'
import { explanationOf } from './explained.js'
import { instrument } from './instrument.js'
import { Worker } from './process.js'
import { lastStatuses, saveStatuses, survivorLine, table } from './report.js'
import { groups } from './scope.js'
import { passWithoutMutant, testMutant } from './test-mutant.js'

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    again: { type: 'boolean', default: false },
    hasty: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '1000' },
    processes: { type: 'string', default: '2' },
  },
})
const FOLDER = '.build/mutation'
mkdirSync(FOLDER, { recursive: true })
const end = performance.now() + Number(values.minutes) * 60_000

const last = values.again ? lastStatuses(FOLDER) : new Map()
const results = new Map()
const workers = Array.from({ length: Number(values.processes) }, () => new Worker())
for (const group of groups(values.only, values.hasty)) await testGroup(group)

const mutants = [...results.keys()]
const survivors = mutants.filter((mutant) =>
  ['survived', 'unreached'].includes(results.get(mutant).status),
)
const explained = survivors.filter(explanationOf)
const lines = survivors.map((mutant) =>
  survivorLine(mutant, results.get(mutant), explanationOf(mutant)),
)
writeFileSync(`${FOLDER}/survivors.txt`, `${lines.join('\n')}\n`)
console.log(table(mutants, results, explained))
const unexplained = survivors.length - explained.length
console.log(`${unexplained} unexplained survivors; all survivors: ${FOLDER}/survivors.txt`)
process.exitCode = unexplained > 0 ? 1 : 0

async function testGroup({ name, mutated, tests }) {
  const { sources, mutants } = await instrument(mutated)
  const open = []
  for (const mutant of mutants) {
    const status = last.get(mutant.key)
    if (status === 'killed' || status === 'timeout') results.set(mutant, { status })
    else open.push(mutant)
  }
  // Tests string mutants last, because string mutants matter least if time runs out.
  open.sort((a, b) => Number(a.mutator === 'StringLiteral') - Number(b.mutator === 'StringLiteral'))
  console.error(`${name}: ${mutants.length} mutants, ${open.length} to test`)
  if (open.length === 0) return

  const modules = await bundle(tests, sources, `${FOLDER}/${name.replace(/\W/g, '-')}`)
  // Frees the previous group's memory, which this group does not need.
  for (const worker of workers) await worker.end()
  const files = await baseline(modules, workers, console.error)
  const test = (mutant, worker) => testMutant(mutant, planFor(mutant, files, values.hasty), worker)
  const suspects = new Map(workers.map((worker) => [worker, []]))
  const startedAt = performance.now()
  let done = 0
  await distribute(open, workers, async (mutant, worker) => {
    const isLate = performance.now() > end
    const result = isLate ? { status: 'open' } : await test(mutant, worker)
    results.set(mutant, result)
    const killed = suspects.get(worker)
    if (result.status === 'killed') killed.push(mutant)
    if (killed.length >= 25) await check(killed.splice(0), worker, test)
    if (++done % 20 !== 0) return
    console.error(
      `${done} of ${open.length} after ${((performance.now() - startedAt) / 1000).toFixed(0)} s`,
    )
    saveStatuses(FOLDER, results)
  })
  await Promise.all(workers.map((worker) => check(suspects.get(worker), worker, test)))
  for (const worker of workers) await worker.end()
  saveStatuses(FOLDER, results)
}

/** Runs each mutant again in a separate process if an earlier mutant may have had side effects. */
async function check(killed, worker, test) {
  const testRuns = killed.map((mutant) => results.get(mutant).testRun)
  if (await passWithoutMutant(testRuns, worker)) return
  for (const mutant of killed) {
    await worker.end()
    results.set(mutant, await test(mutant, worker))
  }
  await worker.end()
}
