/** Runs the checks against one API sequentially, and collects the results. */
import {
  type Check,
  FEATURES,
  type Feature,
  type Outcome,
  type Result,
  RuleViolation,
} from './check.js'
import type { TestCredentials } from './harness/harness.js'
import { Harness } from './harness/harness.js'
import type { Target } from './targets/target.js'

export interface TargetResults {
  readonly target: string
  readonly results: readonly Result[]
  readonly durationMs: number
}

export async function runChecks(
  target: Target,
  checks: readonly Check[],
  credentials: TestCredentials,
  port?: number,
): Promise<TargetResults> {
  const startedAt = performance.now()
  const results: Result[] = []
  // Starts the API only if a check applies to the target.
  const applies = checks.some((check) => missingFeature(check, target.features) === undefined)
  await using harness = applies ? await Harness.open(target, credentials, port) : undefined
  for (const check of checks) {
    const { id, section, level, title } = check
    results.push({ id, section, level, title, ...(await outcomeOf(check, target, harness)) })
  }
  return { target: target.name, results, durationMs: performance.now() - startedAt }
}

async function outcomeOf(
  check: Check,
  { features }: Target,
  harness: Harness | undefined,
): Promise<Outcome> {
  const missing = missingFeature(check, features)
  if (missing !== undefined || harness === undefined) {
    return { status: 'n/a', why: FEATURES[missing ?? 'jwt'] }
  }
  try {
    harness.reset()
    await check.run(harness)
    return { status: 'pass' }
  } catch (error) {
    if (error instanceof RuleViolation)
      return { status: 'fail', expected: error.expected, found: error.found }
    // No response, or a response that is not HTTP.
    const { code, message } = error as NodeJS.ErrnoException
    return { status: 'fail', expected: 'a response', found: code ?? message }
  }
}

function missingFeature({ needs }: Check, features: ReadonlySet<Feature>): Feature | undefined {
  return needs.find((feature) => !features.has(feature))
}
