/**
 * Defines the steps that `explain` shows, in the order of the pipeline. Each step has the name that
 * its check has in `error.check`, the log and the statistics.
 */
import type { Check } from '../../errors/rejection-reason.js'

export const STEPS = [
  'credentials',
  'token',
  'decryption',
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
  'policy',
] as const satisfies readonly Check[]

export type StepName = (typeof STEPS)[number]

export type Step = {
  readonly name: StepName
} & (
  | {
      readonly outcome: 'passed'
      /** Describes the value that passed. */
      readonly found: string
    }
  | {
      readonly outcome: 'failed'
      /** The error message that the client receives. */
      readonly message: string
      readonly expected?: string | undefined
      readonly found?: string | undefined
      /** The likely mistake and its fix. */
      readonly advice: string
    }
  | {
      readonly outcome: 'not reached'
      /** The step that must pass first. */
      readonly waitsFor: StepName
    }
)

/** The steps that a JWT must pass before its content can be checked. */
const CONTENT = ['decryption', 'token'] as const

/** The steps that must pass before each step can run, the closest first. */
export const NEEDS: Readonly<Record<StepName, readonly StepName[]>> = {
  credentials: [],
  token: [],
  decryption: ['token'],
  issuer: CONTENT,
  algorithm: CONTENT,
  type: CONTENT,
  claims: CONTENT,
  expiry: ['claims', ...CONTENT],
  'not-before': ['claims', ...CONTENT],
  'issued-at': ['claims', ...CONTENT],
  age: ['claims', ...CONTENT],
  audience: CONTENT,
  binding: CONTENT,
  key: ['issuer', 'algorithm', ...CONTENT],
  signature: ['key', 'issuer', 'algorithm', ...CONTENT],
  scope: ['claims', ...CONTENT],
  policy: ['claims', ...CONTENT],
}

/**
 * Returns the step that includes the check: `key` for `keys-unavailable`, otherwise the step with
 * the name of the check.
 *
 * @throws {Error} if no step includes the check, which would be a bug of this program.
 */
export function stepOf(check: Check): StepName {
  const step = check === 'keys-unavailable' ? 'key' : check
  if (STEPS.includes(step as StepName)) return step as StepName
  throw new Error(`explain has no step for the check ${check}`)
}
