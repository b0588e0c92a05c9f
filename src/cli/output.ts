/** Writes a command's result to standard output. */

import type { Output } from './context.js'
import { CommandError, ExitCode } from './exit-code.js'

/**
 * Resolves once everything is written: a script that reads exit code 0 has the whole result.
 *
 * @throws {CommandError} if it cannot be written: the reader has closed the pipe, or the disk is full.
 */
export async function writeResult(stdout: Output, text: string): Promise<void> {
  const error = await new Promise<Error | null | undefined>((resolve) => {
    stdout.write(text, resolve)
  })
  if (!error) return
  const { code } = error as NodeJS.ErrnoException
  throw new CommandError(
    ExitCode.unavailable,
    `standard output could not be written (${code ?? error.name})`,
  )
}
