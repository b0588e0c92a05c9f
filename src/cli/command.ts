/** What a command says of itself: enough to parse its arguments and to write its help. */
import type { Arguments } from './arguments.js'
import type { ProcessContext } from './context.js'
import type { ExitCode } from './exit-code.js'

export interface Flag {
  /** What its value is called in the help; a flag without one is on or off. */
  readonly value?: string
  /** Whether it may be given several times. */
  readonly repeatable?: boolean
  readonly help: string
}

export type Flags = Readonly<Record<string, Flag>>

export interface Command {
  readonly name: string
  /** One line. */
  readonly summary: string
  /** What stands after the command's name. */
  readonly usage: string
  readonly flags: Flags
  /** Flags that are refused, with what to do instead. */
  readonly rejectedFlags?: Readonly<Record<string, string>>
  /** How many arguments there may be beside the flags. */
  readonly maxOperands: number
  readonly notes: string
  readonly examples: readonly string[]
  readonly run: (args: Arguments, context: ProcessContext) => Promise<ExitCode>
}
