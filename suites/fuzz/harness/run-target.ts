/** Runs a target in batches with a seed each, so that a failed case has a short replay command. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Target } from '../target.js'
import { BoundedRunner, HeapWatch } from './bounds.js'
import type { Settings } from './settings.js'
import { takeUnhandledRejections } from './unhandled-rejections.js'
import type { Watchdog } from './watchdog.js'

const BATCH = 10_000
/** Runs with fewer cases need not contain every required outcome. */
const MIN_CASES_FOR_OUTCOMES = 1_000

export interface Result {
  readonly cases: number
  readonly seconds: number
  /** CPU time of the slowest case, in milliseconds. */
  readonly slowest: number
  /** Costly calls of the case that had most. */
  readonly mostCalls: number
  /** Growth of the heap over the last two thirds of the run, in bytes. */
  readonly growth: number
  readonly outcomes: ReadonlyMap<string, number>
  /** The violated property and the command that replays it; `undefined` if the run passed. */
  readonly failure: string | undefined
}

export async function runTarget(
  target: Target,
  { cases, seed, path }: Settings,
  watchdog: Watchdog,
): Promise<Result> {
  const opened = await target.open()
  const bounded = new BoundedRunner(opened)
  const outcomes = new Map<string, number>()
  const heap = new HeapWatch()
  const began = performance.now()
  const property = fc.asyncProperty(target.cases, async (testCase) => {
    watchdog.caseBegins()
    const outcome = await bounded.run(testCase)
    assert.deepEqual(takeUnhandledRejections(), [], 'unhandled rejections')
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  })

  let played = 0
  let failure: string | undefined
  try {
    for (let batch = 0; played < cases && failure === undefined; batch++) {
      const numRuns = Math.min(BATCH, cases - played)
      const own = { seed: (seed + batch) % 2 ** 31, ...(path !== undefined && { path }) }
      watchdog.watch(replayCommand(target, own.seed, undefined, numRuns))
      const run = await fc.check(property, { ...own, numRuns })
      played += run.numRuns
      if (run.failed) failure = describeFailure(target, run)
      if (path !== undefined) break
      heap.measure()
      if (batch % 10 === 9) console.log(`${target.name}: ${played} cases so far`)
    }
    if (failure === undefined && path === undefined)
      failure = propertyOfRunViolated(target, outcomes, heap, played)
  } finally {
    await opened.close()
  }
  const seconds = (performance.now() - began) / 1_000
  const { slowest, mostCalls } = bounded
  return { cases: played, seconds, slowest, mostCalls, growth: heap.growth(), outcomes, failure }
}

function propertyOfRunViolated(
  { requiredOutcomes: mustSee }: Target,
  outcomes: ReadonlyMap<string, number>,
  heap: HeapWatch,
  played: number,
): string | undefined {
  try {
    heap.requireFlat()
    const unseen =
      played < MIN_CASES_FOR_OUTCOMES ? [] : mustSee.filter((outcome) => !outcomes.has(outcome))
    assert.deepEqual(unseen, [], 'required outcomes that no case had')
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function describeFailure(target: Target, run: fc.RunDetails<[unknown]>): string {
  const error = run.errorInstance instanceof Error ? run.errorInstance.stack : run.errorInstance
  return [
    shortened(`${error}`),
    `case: ${shortened(fc.stringify(run.counterexample?.[0]))}`,
    `found as case ${run.numRuns}, shrunk ${run.numShrinks} times`,
    `replay: ${replayCommand(target, run.seed, run.counterexamplePath ?? undefined)}`,
    `or, if it depends on the cases before it: ${replayCommand(target, run.seed, undefined, run.numRuns)}`,
  ].join('\n')
}

/** Keeps only the start and the end of a long text. */
function shortened(text: string): string {
  const { length } = text
  return length > 3_000
    ? `${text.slice(0, 1_500)}\n… ${length} characters …\n${text.slice(-1_500)}`
    : text
}

function replayCommand({ name }: Target, seed: number, path?: string, cases?: number): string {
  const which = path === undefined ? `--cases ${cases}` : `--path ${path}`
  return `npm run suite -- fuzz --only ${name} --seed ${seed} ${which}`
}
