/**
 * Parses the arguments of a command. An unknown flag is an error, because a misspelled flag would
 * otherwise be ignored silently. Messages contain no values, because these may be secrets.
 */
import { parseArgs } from 'node:util'
import { nearest } from '../base/did-you-mean.js'
import { Arguments, type GivenFlag } from './arguments.js'
import type { Command } from './command.js'
import { UsageError } from './exit-code.js'

export const HELP = { help: 'Show this help' } as const

/**
 * Returns the parsed arguments.
 *
 * @throws {UsageError} if a flag is unknown or rejected, lacks its value, has a value although it
 *   takes none, or is repeated although it is not repeatable; or if there are too many operands.
 */
export function readArguments(command: Command, args: readonly string[]): Arguments {
  const flags = { ...command.flags, help: HELP }
  const given: GivenFlag[] = []
  const operands: string[] = []
  for (const token of tokensOf(command, args)) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const { name, value, inlineValue, index } = token
    if (!Object.hasOwn(flags, name)) throw unknownFlag(command, name, index)
    const { value: takesValue, repeatable } = flags[name as keyof typeof flags] as {
      value?: string
      repeatable?: boolean
    }
    if (takesValue === undefined && value !== undefined) {
      throw new UsageError(`--${name} takes no value: remove "=" and the text after it`)
    }
    if (takesValue !== undefined) requireValue(name, value, inlineValue)
    if (repeatable !== true && given.some(({ flag }) => flag === name)) {
      throw new UsageError(`--${name} may be given only once`)
    }
    given.push({ flag: name, value: value ?? '' })
  }
  if (operands.length > command.maxOperands) {
    throw new UsageError(
      `too many arguments: ${command.name} takes ${command.maxOperands === 0 ? 'only flags' : 'only one argument besides its flags'}`,
    )
  }
  return new Arguments(given, operands)
}

function tokensOf(command: Command, args: readonly string[]) {
  const declared = Object.entries(command.flags).map(([name, { value }]) => [
    name,
    { type: value === undefined ? ('boolean' as const) : ('string' as const) },
  ])
  const help = { type: 'boolean' as const, short: 'h' }
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...Object.fromEntries(declared), help },
    // Not strict: readArguments validates the flags, because messages of Node quote values.
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  return tokens
}

function requireValue(name: string, value: string | undefined, inline: boolean | undefined): void {
  if (value === undefined || value === '') throw new UsageError(`--${name} needs a value`)
  // The user probably forgot the value, so that Node reads the next flag as the value.
  if (inline !== true && value.startsWith('-')) {
    throw new UsageError(`--${name} needs a value. If it begins with -, write --${name}=VALUE`)
  }
}

/**
 * Returns the error for an unknown or rejected flag. The message names an unknown flag only if it
 * resembles a known flag, because any other argument may contain a secret (`-phunter2`).
 */
function unknownFlag(
  { name: command, flags, rejectedFlags = {} }: Command,
  name: string,
  at: number,
) {
  if (Object.hasOwn(rejectedFlags, name)) {
    return new UsageError(rejectedFlags[name] as string)
  }
  const equivalent = EQUIVALENT_FLAGS.get(name)
  const meant =
    equivalent !== undefined && Object.hasOwn(flags, equivalent)
      ? equivalent
      : nearest(name, [...Object.keys(flags), ...Object.keys(rejectedFlags), 'help'])
  if (meant === undefined) {
    return new UsageError(
      `unknown flag (argument ${at + 1} of ${command}). Run fastify-resource-server ${command} --help for details`,
    )
  }
  const instead = Object.hasOwn(rejectedFlags, meant) ? ` But ${rejectedFlags[meant]}` : ''
  return new UsageError(`unknown flag --${name}. Did you mean --${meant}?${instead}`)
}

/** Names that users try first, with the flag. */
const EQUIVALENT_FLAGS: ReadonlyMap<string, string> = new Map([
  ['provider', 'profile'],
  ['ts', 'typescript'],
  ['js', 'javascript'],
])
