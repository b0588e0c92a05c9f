/**
 * From what was typed to the arguments of a command. Whatever isn't known is an error, because a
 * misspelt flag would otherwise be ignored in silence. Values are never shown: one of them may be a
 * secret in the wrong place.
 */
import { parseArgs } from 'node:util'
import { Arguments } from './arguments.js'
import type { Command } from './command.js'
import { UsageError } from './exit-code.js'
import { nearest } from './nearest.js'
import { printable } from './printable.js'

export const HELP = { help: 'Show this' } as const

/** @throws {UsageError} that names the flag and the mend. */
export function readArguments(command: Command, args: readonly string[]): Arguments {
  const flags = { ...command.flags, help: HELP }
  const values = new Map<string, string[]>()
  const operands: string[] = []
  for (const token of tokensOf(command, args)) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    if (!Object.hasOwn(flags, name)) throw unknownFlag(command, name, rawName)
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
    // What is wrong is said here, in other words than Node's, which quote values.
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  return tokens
}

function requireValue(name: string, value: string | undefined, inline: boolean | undefined): void {
  if (value === undefined || value === '') throw new UsageError(`--${name} needs a value`)
  // Most likely the value was forgotten, and this is the next flag.
  if (inline !== true && value.startsWith('-')) {
    throw new UsageError(`--${name} needs a value; one that begins with - goes after =`)
  }
}

function unknownFlag(command: Command, name: string, rawName: string): UsageError {
  const refused = command.refusedFlags?.[name]
  if (refused !== undefined) return new UsageError(`--${name} is not taken: ${refused}`)
  const meant = nearest(name, [...Object.keys(command.flags), 'help'])
  const hint =
    meant === undefined
      ? `see fastify-resource-server ${command.name} --help`
      : `did you mean --${meant}?`
  return new UsageError(`${printable(rawName)} is no flag of ${command.name}: ${hint}`)
}
