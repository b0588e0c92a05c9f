/** Defines the exit codes of the commands. Scripts may rely on these numbers. */

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export const ExitCode = {
  /** The command succeeded; for `explain`, the token is accepted. */
  success: 0,
  /**
   * The explained token, or the request for a token or to a transmitter, is rejected; or a check of
   * `doctor` or `init` fails.
   */
  rejected: 1,
  /** The arguments or the input are invalid. */
  usage: 2,
  /**
   * The issuer or transmitter is unreachable or overloaded, or its response is invalid; or the port
   * is in use; or the output cannot be written.
   */
  unavailable: 3,
  /** There is a bug in this program. */
  bug: 4,
  /** `explain` decoded the token without issuer and audience, so there is no result. */
  undecided: 5,
  /**
   * The user pressed Ctrl+C at a prompt. As in shells, the code is 128 plus the number of SIGINT.
   */
  interrupted: 130,
} as const

/**
 * Ends the command with an exit code and a message. The message may have several lines, and
 * contains neither secrets nor tokens.
 */
export class CommandError extends Error {
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Ends the command because its arguments or its input are invalid. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(ExitCode.usage, message)
  }
}
