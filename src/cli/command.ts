/** The description of a command, from which its arguments are parsed and its help is written. */
import type { Arguments } from './arguments.js'
import type { ProcessContext } from './context.js'
import type { ExitCode } from './exit-code.js'

export interface Flag {
  /** Placeholder of the value in the help. A flag without one is a boolean. */
  readonly value?: string
  /** Whether the flag may be repeated. */
  readonly repeatable?: boolean
  readonly help: string
}

export type Flags = Readonly<Record<string, Flag>>

export interface Command {
  readonly name: string
  /** One line. */
  readonly summary: string
  /** The synopsis after the command's name. */
  readonly usage: string
  readonly flags: Flags
  /** Flags that are rejected, with the error message: why, and what to do instead. */
  readonly rejectedFlags?: Readonly<Record<string, string>>
  /** Maximum number of arguments that are not flags. */
  readonly maxOperands: number
  readonly notes: string
  readonly examples: readonly string[]
  readonly run: (args: Arguments, context: ProcessContext) => Promise<ExitCode>
}
