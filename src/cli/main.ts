/** Runs the command that the first argument names. */

import { nearest } from '../base/did-you-mean.js'
import { isError } from '../base/native-error.js'
import { colorsFor } from './colors.js'
import type { Command } from './command.js'
import type { ProcessContext } from './context.js'
import { doctor } from './doctor/doctor-command.js'
import { CommandError, ExitCode, UsageError } from './exit-code.js'
import { explain } from './explain/explain-command.js'
import { helpOf, helpOfAll, PROGRAM } from './help.js'
import { init } from './init/init-command.js'
import { writeResult } from './output.js'
import { printable } from './printable.js'
import { readArguments } from './read-arguments.js'
import { serve } from './serve/serve-command.js'
import { stream } from './stream/stream-command.js'
import { token } from './token/token-command.js'
import { version } from './version.js'

const COMMANDS: readonly Command[] = [init, token, explain, doctor, serve, stream]

/** Returns the exit code. Never rejects: a failure is reported on stderr. */
export async function main(args: readonly string[], context: ProcessContext): Promise<ExitCode> {
  try {
    return await run(args, context)
  } catch (error) {
    const { red } = colorsFor(context.stderr, context.env)
    const { exitCode, message } = describe(error)
    const lines = message.split('\n').map(printable).join('\n')
    context.stderr.write(`${red(`${PROGRAM}:`)} ${lines}\n`)
    return exitCode
  }
}

async function run(args: readonly string[], context: ProcessContext): Promise<ExitCode> {
  const { stdout, stderr } = context
  const [first, ...rest] = args
  switch (first) {
    case undefined:
      stderr.write(helpOfAll(COMMANDS))
      return ExitCode.usage
    case '--help':
    case '-h':
    case 'help':
      await writeResult(stdout, helpFor(rest))
      return ExitCode.success
    case '--version':
    case '-v':
      await writeResult(stdout, `${version()}\n`)
      return ExitCode.success
  }
  const command = findCommand(first)
  const read = readArguments(command, rest)
  if (!read.has('help')) return command.run(read, context)
  await writeResult(stdout, helpOf(command))
  return ExitCode.success
}

/** Returns the help of the command that the first argument names, if any; otherwise the overview. */
function helpFor([name, ...others]: readonly string[]): string {
  if (others.length > 0) {
    throw new UsageError(`help takes one command: run ${PROGRAM} help COMMAND`)
  }
  return name === undefined || name.startsWith('-')
    ? helpOfAll(COMMANDS)
    : helpOf(findCommand(name))
}

/** @throws {UsageError} if there is no command of this name. */
function findCommand(name: string): Command {
  const command = COMMANDS.find((command) => command.name === name)
  if (command === undefined) throw unknownCommand(name)
  return command
}

function unknownCommand(name: string): UsageError {
  const known = COMMANDS.map(({ name }) => name)
  // The message does not contain `name`: if the user forgot the command, `name` may be a token.
  const meant = nearest(name, known)
  return new UsageError(
    meant === undefined
      ? `unknown command. The commands are: ${known.join(', ')}. Run ${PROGRAM} help for details`
      : `unknown command. Did you mean ${meant}? Run ${PROGRAM} help ${meant} for details`,
  )
}

function describe(error: unknown): { exitCode: ExitCode; message: string } {
  if (error instanceof CommandError) return error
  const message = isError(error) ? `${error.name}: ${error.message}` : typeof error
  return { exitCode: ExitCode.bug, message: `unexpected error, please report it: ${message}` }
}
