/** Each test file with no mutant switched on: how long it takes, and which mutants its tests reach. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { inTurn } from './in-turn.js'

const MOST_MS = 300_000

/** A test that fails here judges nothing, and is told. What hasn't changed since is known. */
export async function baseline(modules, workers, tell) {
  const files = []
  await inTurn(modules, workers, async ([test, module], worker) => {
    const answer = await played(module, worker)
    const { failure, ms, tests = [], coverage } = answer
    const failed = tests.filter((one) => one.failed)
    for (const { name } of failed) tell(`no judge, it fails as it is: ${test}, ${name}`)
    if (failure !== undefined && failed.length === 0) tell(`no judge: ${test}, ${failure}`)
    else files.push({ module, ms, tests, ...reachOf(coverage) })
  })
  return files
}

async function played(module, worker) {
  const hash = createHash('sha256').update(readFileSync(module)).digest('hex')
  const file = `${module}.baseline.json`
  if (existsSync(file)) {
    const known = JSON.parse(readFileSync(file, 'utf8'))
    if (known.hash === hash) return known
  }
  let answer = await worker.play({ module, all: true }, MOST_MS)
  if (answer.failure !== undefined) answer = await worker.play({ module, all: true }, MOST_MS)
  if (answer.failure === undefined) writeFileSync(file, JSON.stringify({ hash, ...answer }))
  return answer
}

function reachOf({ static: atLoad, perTest }) {
  const byTest = new Map()
  for (const [test, mutants] of Object.entries(perTest)) {
    for (const id of Object.keys(mutants)) {
      if (!byTest.has(id)) byTest.set(id, [])
      byTest.get(id).push(Number(test.slice(1)))
    }
  }
  return { atLoad: new Set(Object.keys(atLoad)), byTest }
}

/** Milliseconds on a processor: what a hasty run has no time for. */
const SLOW = 1_500

/**
 * What to play for a mutant, the quickest first: of each file the tests that reach it, or all of
 * them where that happens while the file is loaded.
 */
export function planFor({ id }, files, hasty) {
  const plan = []
  for (const { module, ms, tests, atLoad, byTest } of files) {
    const reached = byTest.get(id)
    const judges = tests.filter(
      (one) =>
        !(one.failed || (hasty && one.cpu > SLOW)) &&
        (atLoad.has(id) || reached?.includes(one.index)),
    )
    if (judges.length === 0) continue
    const spared = tests.filter((one) => !judges.includes(one))
    const left = spared.reduce((rest, one) => rest - one.ms, ms)
    plan.push({ module, only: judges.map(({ index }) => index), ms: Math.max(left, 0) })
  }
  return plan.sort((a, b) => a.ms - b.ms)
}
