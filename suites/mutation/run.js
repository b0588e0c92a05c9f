/**
 * Mutation testing of the code that protects a route: Stryker's mutators change each line, and the
 * tests must fail.
 *
 *   npm run suite -- mutation               all of it, which takes its time
 *   npm run suite -- mutation --only token  the files with that in their path
 *   npm run suite -- mutation --again       those that survived the last time, or are new
 *   npm run suite -- mutation --minutes 20  as many as can be judged in that time
 *   npm run suite -- mutation --hasty       without the tests that take seconds
 *
 * Fails if a mutant survives that explained.js does not list.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { baseline, planFor } from './baseline.js'
import { bundle } from './bundle.js'
import { explanationOf } from './explained.js'
import { inTurn } from './in-turn.js'
import { instrument } from './instrument.js'
import { isSound, judge } from './judge.js'
import { Worker } from './process.js'
import { lastVerdicts, saveVerdicts, survivorLine, table } from './report.js'
import { groups } from './scope.js'

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

const last = values.again ? lastVerdicts(FOLDER) : new Map()
const verdicts = new Map()
const workers = Array.from({ length: Number(values.processes) }, () => new Worker())
for (const group of groups(values.only, values.hasty)) await judgeGroup(group)

const mutants = [...verdicts.keys()]
const survivors = mutants.filter((one) =>
  ['survived', 'unreached'].includes(verdicts.get(one).status),
)
const explained = survivors.filter(explanationOf)
const lines = survivors.map((one) => survivorLine(one, verdicts.get(one), explanationOf(one)))
writeFileSync(`${FOLDER}/survivors.txt`, `${lines.join('\n')}\n`)
console.log(table(mutants, verdicts, explained))
const unexplained = survivors.length - explained.length
console.log(
  `${unexplained} survived and nobody explained them; all survivors: ${FOLDER}/survivors.txt`,
)
process.exitCode = unexplained > 0 ? 1 : 0

async function judgeGroup({ name, mutated, judges }) {
  const { sources, mutants } = await instrument(mutated)
  const open = []
  for (const mutant of mutants) {
    const status = last.get(mutant.key)
    if (status === 'killed' || status === 'timeout') verdicts.set(mutant, { status })
    else open.push(mutant)
  }
  // Mutated texts last: a wrong word does the least harm.
  open.sort((a, b) => Number(a.mutator === 'StringLiteral') - Number(b.mutator === 'StringLiteral'))
  console.error(`${name}: ${mutants.length} mutants, ${open.length} to be judged`)
  if (open.length === 0) return

  const modules = await bundle(judges, sources, `${FOLDER}/${name.replace(/\W/g, '-')}`)
  // Frees the previous group's memory, which this group does not need.
  for (const worker of workers) await worker.end()
  const files = await baseline(modules, workers, console.error)
  const rejudge = (mutant, worker) => judge(mutant, planFor(mutant, files, values.hasty), worker)
  const suspects = new Map(workers.map((worker) => [worker, []]))
  const begun = performance.now()
  let done = 0
  await inTurn(open, workers, async (mutant, worker) => {
    const late = performance.now() > end
    const verdict = late ? { status: 'open' } : await rejudge(mutant, worker)
    verdicts.set(mutant, verdict)
    const killed = suspects.get(worker)
    if (verdict.status === 'killed') killed.push(mutant)
    if (killed.length >= 25) await check(killed.splice(0), worker, rejudge)
    if (++done % 20 !== 0) return
    console.error(
      `${done} of ${open.length} after ${((performance.now() - begun) / 1000).toFixed(0)} s`,
    )
    saveVerdicts(FOLDER, verdicts)
  })
  await Promise.all(workers.map((worker) => check(suspects.get(worker), worker, rejudge)))
  for (const worker of workers) await worker.end()
  saveVerdicts(FOLDER, verdicts)
}

/** A mutant may leave state behind that kills the next one: then each runs in its own process. */
async function check(killed, worker, rejudge) {
  const plays = killed.map((mutant) => verdicts.get(mutant).play)
  if (await isSound(plays, worker)) return
  for (const mutant of killed) {
    await worker.end()
    verdicts.set(mutant, await rejudge(mutant, worker))
  }
  await worker.end()
}
