/**
 * Measures each test file without an active mutant: duration, and the mutants that its tests reach.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { distribute } from './distribute.js'

const MAX_MS = 300_000

/** Reports and excludes tests that fail here. Reuses the results of files that have not changed. */
export async function baseline(modules, workers, log) {
  const files = []
  await distribute(modules, workers, async ([test, module], worker) => {
    const result = await resultOf(module, worker)
    const { failure, ms, tests = [], coverage } = result
    const failed = tests.filter((entry) => entry.failed)
    for (const { name } of failed) log(`excluded, fails without a mutant: ${test}, ${name}`)
    if (failure !== undefined && failed.length === 0) log(`excluded: ${test}, ${failure}`)
    else files.push({ module, ms, tests, ...reachOf(coverage) })
  })
  return files
}

async function resultOf(module, worker) {
  const hash = createHash('sha256').update(readFileSync(module)).digest('hex')
  const file = `${module}.baseline.json`
  if (existsSync(file)) {
    const known = JSON.parse(readFileSync(file, 'utf8'))
    if (known.hash === hash) return known
  }
  let result = await worker.run({ module, all: true }, MAX_MS)
  if (result.failure !== undefined) result = await worker.run({ module, all: true }, MAX_MS)
  if (result.failure === undefined) writeFileSync(file, JSON.stringify({ hash, ...result }))
  return result
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

/** CPU time above which a hasty run skips a test. */
const SLOW_MS = 1_500

/**
 * Returns the test runs for a mutant, the fastest first: the tests that reach the mutant, or all
 * tests of a file that reaches the mutant while the file loads.
 */
export function planFor({ id }, files, hasty) {
  const plan = []
  for (const { module, ms, tests, atLoad, byTest } of files) {
    const reached = byTest.get(id)
    const selected = tests.filter(
      (test) =>
        !(test.failed || (hasty && test.cpu > SLOW_MS)) &&
        (atLoad.has(id) || reached?.includes(test.index)),
    )
    if (selected.length === 0) continue
    const skipped = tests.filter((test) => !selected.includes(test))
    const remaining = skipped.reduce((rest, test) => rest - test.ms, ms)
    plan.push({ module, only: selected.map(({ index }) => index), ms: Math.max(remaining, 0) })
  }
  return plan.sort((a, b) => a.ms - b.ms)
}
