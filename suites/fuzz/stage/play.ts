/** Plays a target: in batches with a seed each, so that a failed case has a short name. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Target } from '../target.js'
import { Bounded, HeapWatch } from './bounds.js'
import type { Settings } from './settings.js'
import { strays } from './strays.js'
import type { Watchdog } from './watchdog.js'

const BATCH = 10_000
/** Fewer cases than this need not show every outcome. */
const TELLING = 1_000

export interface Result {
  readonly cases: number
  readonly seconds: number
  /** Milliseconds of the processor that the slowest case took. */
  readonly slowest: number
  /** Bytes by which the heap grew over the last two thirds. */
  readonly growth: number
  readonly outcomes: ReadonlyMap<string, number>
  /** What broke, and how to see it again; `undefined` if nothing did. */
  readonly failure: string | undefined
}

export async function play(
  target: Target,
  { cases, seed, path }: Settings,
  watchdog: Watchdog,
): Promise<Result> {
  const stage = await target.open()
  const bounded = new Bounded(stage)
  const outcomes = new Map<string, number>()
  const heap = new HeapWatch()
  const began = performance.now()
  const property = fc.asyncProperty(target.cases, async (one) => {
    watchdog.caseBegins()
    const outcome = await bounded.play(one)
    assert.deepEqual(strays(), [], 'a promise was rejected that nobody handles')
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  })

  let played = 0
  let failure: string | undefined
  try {
    for (let batch = 0; played < cases && failure === undefined; batch++) {
      const numRuns = Math.min(BATCH, cases - played)
      const own = { seed: (seed + batch) % 2 ** 31, ...(path !== undefined && { path }) }
      watchdog.watch(replay(target, own.seed, undefined, numRuns))
      const run = await fc.check(property, { ...own, numRuns })
      played += run.numRuns
      if (run.failed) failure = told(target, run)
      if (path !== undefined) break
      heap.measure()
      if (batch % 10 === 9) console.log(`${target.name}: ${played} cases so far`)
    }
    if (failure === undefined && path === undefined) failure = fault(target, outcomes, heap, played)
  } finally {
    await stage.close()
  }
  const seconds = (performance.now() - began) / 1_000
  const { slowest } = bounded
  return { cases: played, seconds, slowest, growth: heap.growth(), outcomes, failure }
}

function fault(
  { mustSee }: Target,
  outcomes: ReadonlyMap<string, number>,
  heap: HeapWatch,
  played: number,
): string | undefined {
  try {
    heap.requireFlat()
    const unseen = played < TELLING ? [] : mustSee.filter((outcome) => !outcomes.has(outcome))
    assert.deepEqual(unseen, [], 'outcomes that were never seen')
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function told(target: Target, run: fc.RunDetails<[unknown]>): string {
  const error = run.errorInstance instanceof Error ? run.errorInstance.stack : run.errorInstance
  return [
    cut(`${error}`),
    `case: ${cut(fc.stringify(run.counterexample?.[0]))}`,
    `found as case ${run.numRuns}, made smaller ${run.numShrinks} times`,
    `again: ${replay(target, run.seed, run.counterexamplePath ?? undefined)}`,
    `or, if it takes what came before: ${replay(target, run.seed, undefined, run.numRuns)}`,
  ].join('\n')
}

/** Both ends of what is too long to be read. */
function cut(text: string): string {
  const { length } = text
  return length > 3_000
    ? `${text.slice(0, 1_500)}\n… ${length} characters …\n${text.slice(-1_500)}`
    : text
}

function replay({ name }: Target, seed: number, path?: string, cases?: number): string {
  const which = path === undefined ? `--cases ${cases}` : `--path ${path}`
  return `npm run suite -- fuzz --only ${name} --seed ${seed} ${which}`
}
