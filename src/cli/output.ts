/** Writes a command's result to standard output. */

import type { Output } from './context.js'
import { CommandError, ExitCode } from './exit-code.js'

/**
 * Writes the text, and resolves once the whole text is written, so that exit code 0 guarantees a
 * complete result.
 *
 * @throws {CommandError} if the write fails, for example because the reader has closed the pipe.
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
