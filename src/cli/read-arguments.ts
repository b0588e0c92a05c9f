/**
 * Parses the arguments of a command. An unknown flag is an error, because a misspelled one would
 * otherwise be ignored silently. Messages show neither values nor unknown flags, because one of them
 * may be a misplaced secret.
 */
import { parseArgs } from 'node:util'
import { nearest } from '../base/did-you-mean.js'
import { Arguments } from './arguments.js'
import type { Command } from './command.js'
import { UsageError } from './exit-code.js'

export const HELP = { help: 'Show this' } as const

/** @throws {UsageError} that says what is wrong and how to fix it. */
export function readArguments(command: Command, args: readonly string[]): Arguments {
  const flags = { ...command.flags, help: HELP }
  const values = new Map<string, string[]>()
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
      throw new UsageError(`--${name} takes no value`)
    }
    if (takesValue !== undefined) requireValue(name, value, inlineValue)
    const before = values.get(name) ?? []
    if (before.length > 0 && repeatable !== true) {
      throw new UsageError(`--${name} is given twice`)
    }
    values.set(name, [...before, value ?? ''])
  }
  if (operands.length > command.maxOperands) {
    throw new UsageError(
      `there are arguments too many: ${command.name} takes ${command.maxOperands === 0 ? 'flags only' : 'one'}`,
    )
  }
  return new Arguments(values, operands)
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
    // Validated here, because Node's messages quote values.
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  return tokens
}

function requireValue(name: string, value: string | undefined, inline: boolean | undefined): void {
  if (value === undefined || value === '') throw new UsageError(`--${name} needs a value`)
  // The value was probably forgotten, and this is the next flag.
  if (inline !== true && value.startsWith('-')) {
    throw new UsageError(`--${name} needs a value; one that begins with - goes after =`)
  }
}

/** Does not show the flag itself, which may contain a secret (`-phunter2`). */
function unknownFlag(
  { name: command, flags, rejectedFlags = {} }: Command,
  name: string,
  at: number,
) {
  if (Object.hasOwn(rejectedFlags, name)) {
    return new UsageError(`--${name} is not taken: ${rejectedFlags[name]}`)
  }
  const meant = nearest(name, [...Object.keys(flags), ...Object.keys(rejectedFlags), 'help'])
  const problem = `unknown flag (argument ${at + 1} of ${command})`
  if (meant === undefined) {
    return new UsageError(`${problem}: see fastify-resource-server ${command} --help`)
  }
  const instead = Object.hasOwn(rejectedFlags, meant)
    ? ` It is not taken: ${rejectedFlags[meant]}`
    : ''
  return new UsageError(`${problem}: did you mean --${meant}?${instead}`)
}
