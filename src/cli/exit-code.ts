/** The exit codes of the commands. Scripts may rely on these numbers. */

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export const ExitCode = {
  /** The command succeeded; for `explain`, the token is accepted. */
  success: 0,
  /** The token, or the grant, is rejected. */
  rejected: 1,
  /** The arguments are invalid. */
  usage: 2,
  /**
   * No usable response: the issuer is unreachable, a port is in use. Also if the output cannot be
   * written.
   */
  unavailable: 3,
  /** A bug of this program. */
  bug: 4,
  /** Ctrl+C at a prompt: 128 and the number of SIGINT, as shells count. */
  interrupted: 130,
} as const

/** Ends the command with a message of one or more lines, which contains no secret and no token. */
export class CommandError extends Error {
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** The arguments are invalid. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(ExitCode.usage, message)
  }
}
