/** The steps of the pipeline, as `explain` shows them. */
import type { Check } from '../../errors/rejection-reason.js'

export const STEPS = [
  'credentials',
  'token',
  'issuer',
  'algorithm',
  'key',
  'signature',
  'kind',
  'claims',
  'time',
  'audience',
  'binding',
  'policy',
] as const

export type StepName = (typeof STEPS)[number]

export type Step = {
  readonly name: StepName
} & (
  | {
      readonly outcome: 'passed'
      /** What was found. */
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
  key: ['issuer', 'algorithm', 'token'],
  signature: ['key', 'issuer', 'algorithm', 'token'],
  kind: ['token'],
  claims: ['token'],
  time: ['claims', 'token'],
  audience: ['token'],
  binding: ['token'],
  policy: ['claims', 'token'],
}

const STEP_OF: Partial<Readonly<Record<Check, StepName>>> = {
  type: 'kind',
  expiry: 'time',
  'not-before': 'time',
  'issued-at': 'time',
  age: 'time',
  'keys-unavailable': 'key',
  scope: 'policy',
}

/** Returns the step to which a check of the pipeline belongs. */
export function stepOf(check: Check): StepName {
  const step = STEP_OF[check] ?? check
  if (STEPS.includes(step as StepName)) return step as StepName
  throw new Error(`no step of explain is for the check ${check}`)
}
