/** How a command ends. A script may rely on these numbers. */

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export const ExitCode = {
  /** What was asked for was done; for `explain`, the token is accepted. */
  good: 0,
  /** The token, or the grant, is refused. */
  refused: 1,
  /** The command was called wrongly. */
  usage: 2,
  /**
   * No answer, or none that can be used: the issuer is out of reach, a port is taken. Also an output that
   * cannot be written.
   */
  unavailable: 3,
  /** A mistake of this program. */
  fault: 4,
  /** Ctrl+C at a prompt: 128 and the number of SIGINT, as shells count. */
  interrupted: 130,
} as const

/** Ends the command with a message of one line or several. It holds no secret and no token. */
export class CommandError extends Error {
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** The command was called wrongly. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(ExitCode.usage, message)
  }
}
