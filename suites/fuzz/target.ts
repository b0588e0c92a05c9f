/** Something that takes what comes from outside, and what is fed to it. */
import type { Arbitrary } from 'fast-check'

export interface Target<Case = unknown> {
  readonly name: string
  /** How many cases there are for each one of the target `tokens`: the dearer, the fewer. */
  readonly share: number
  readonly cases: Arbitrary<Case>
  /** Outcomes without which a run of a thousand cases would have tested nothing. */
  readonly mustSee: readonly string[]
  open(): Promise<Stage<Case>>
}

/** A target made ready: servers that listen, keys that were made. */
export interface Stage<Case> {
  /**
   * Plays one case.
   *
   * @returns what came of it, in a word or two, to be counted.
   * @throws if it breaks a property.
   */
  play(one: Case): string | Promise<string>
  close(): Promise<void>
}
