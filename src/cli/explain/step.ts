/**
 * The steps that `explain` shows: checks of the pipeline by their names in `error.check`, the log and
 * the statistics, in the order in which the pipeline runs them.
 */
import type { Check } from '../../errors/rejection-reason.js'

export const STEPS = [
  'credentials',
  'token',
  'issuer',
  'algorithm',
  'type',
  'claims',
  'expiry',
  'not-before',
  'issued-at',
  'age',
  'audience',
  'binding',
  'key',
  'signature',
  'scope',
] as const satisfies readonly Check[]

export type StepName = (typeof STEPS)[number]

export type Step = {
  readonly name: StepName
} & (
  | {
      readonly outcome: 'passed'
      /** The value that passed, in words. */
      readonly found: string
    }
  | {
      readonly outcome: 'failed'
      /** The message that the client gets. */
      readonly message: string
      readonly expected?: string | undefined
      readonly found?: string | undefined
      /** The fix. */
      readonly advice: string
    }
  | {
      readonly outcome: 'not reached'
      /** The step that must pass first. */
      readonly waitsFor: StepName
    }
)

/** The prerequisites of each step, the nearest first. */
export const NEEDS: Readonly<Record<StepName, readonly StepName[]>> = {
  credentials: [],
  token: [],
  issuer: ['token'],
  algorithm: ['token'],
  type: ['token'],
  claims: ['token'],
  expiry: ['claims', 'token'],
  'not-before': ['claims', 'token'],
  'issued-at': ['claims', 'token'],
  age: ['claims', 'token'],
  audience: ['token'],
  binding: ['token'],
  key: ['issuer', 'algorithm', 'token'],
  signature: ['key', 'issuer', 'algorithm', 'token'],
  scope: ['claims', 'token'],
}

/**
 * Returns the step that shows a check: the one of its name, and `key` for unavailable keys.
 *
 * @throws {Error} for a check that no bearer token of one issuer fails.
 */
export function stepOf(check: Check): StepName {
  const step = check === 'keys-unavailable' ? 'key' : check
  if (STEPS.includes(step as StepName)) return step as StepName
  throw new Error(`explain has no step for the check ${check}`)
}
