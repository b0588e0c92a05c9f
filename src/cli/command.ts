/**
 * Defines the description of a command, from which the arguments are parsed and the help is
 * rendered.
 */
import type { Arguments } from './arguments.js'
import type { ProcessContext } from './context.js'
import type { ExitCode } from './exit-code.js'

export interface Flag {
  /** Placeholder of the value in the help; `undefined` for a flag that takes no value. */
  readonly value?: string
  /** Whether the flag may be given several times. Default false. */
  readonly repeatable?: boolean
  readonly help: string
}

export type Flags = Readonly<Record<string, Flag>>

export interface Command {
  readonly name: string
  /** A sentence of one line. */
  readonly summary: string
  /** The arguments after the command's name, for the first line of the help. */
  readonly usage: string
  readonly flags: Flags
  /**
   * Flags that are always rejected. The value is the error message: the reason, and an alternative.
   */
  readonly rejectedFlags?: Readonly<Record<string, string>>
  /** Maximum number of arguments that are not flags. */
  readonly maxOperands: number
  readonly notes: string
  readonly examples: readonly string[]
  readonly run: (args: Arguments, context: ProcessContext) => Promise<ExitCode>
}
