/** Runs the checks against one API, one after the other, and collects the verdicts. */
import { type Check, FEATURES, type Feature, type Result, Unmet, type Verdict } from './check.js'
import type { Properties } from './stage/stage.js'
import { Stage } from './stage/stage.js'
import type { Target } from './targets/target.js'

export interface Played {
  readonly target: string
  readonly results: readonly Result[]
  /** Milliseconds. */
  readonly took: number
}

export async function play(
  target: Target,
  checks: readonly Check[],
  properties: Properties,
  port?: number,
): Promise<Played> {
  const begun = performance.now()
  const results: Result[] = []
  // Nothing is started for checks of which none applies.
  const applies = checks.some((check) => missing(check, target.features) === undefined)
  await using stage = applies ? await Stage.open(target, properties, port) : undefined
  for (const check of checks) {
    const { id, section, level, title } = check
    results.push({ id, section, level, title, ...(await verdictOf(check, target, stage)) })
  }
  return { target: target.name, results, took: performance.now() - begun }
}

async function verdictOf(
  check: Check,
  { features }: Target,
  stage: Stage | undefined,
): Promise<Verdict> {
  const lacks = missing(check, features)
  if (lacks !== undefined || stage === undefined) {
    return { verdict: 'n/a', why: FEATURES[lacks ?? 'jwt'] }
  }
  try {
    stage.reset()
    await check.run(stage)
    return { verdict: 'pass' }
  } catch (error) {
    if (error instanceof Unmet)
      return { verdict: 'fail', expected: error.expected, found: error.found }
    // No answer at all, or one that is no HTTP.
    const { code, message } = error as NodeJS.ErrnoException
    return { verdict: 'fail', expected: 'an answer', found: code ?? message }
  }
}

function missing({ needs }: Check, features: ReadonlySet<Feature>): Feature | undefined {
  return needs.find((feature) => !features.has(feature))
}
