/** A fuzz target: code that processes untrusted input, and the arbitrary that generates the input. */
import type { Arbitrary } from 'fast-check'

export interface Target<Case = unknown> {
  readonly name: string
  /** Cases per case of the target `tokens`; lower for targets whose cases take longer. */
  readonly share: number
  readonly cases: Arbitrary<Case>
  /** Outcomes that a run of at least 1,000 cases must contain; otherwise the cases test too little. */
  readonly requiredOutcomes: readonly string[]
  open(): Promise<OpenTarget<Case>>
}

/** A target that is ready to run: its servers listen and its keys exist. */
export interface OpenTarget<Case> {
  /**
   * Runs one case.
   *
   * @returns a short name of the outcome, which the summary counts.
   * @throws if the case violates a property.
   */
  run(testCase: Case): string | Promise<string>
  close(): Promise<void>
}
