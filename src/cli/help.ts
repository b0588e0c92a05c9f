/** Renders the help from the descriptions of the commands. */

import type { Command } from './command.js'
import { HELP } from './read-arguments.js'

const PROGRAM = 'fastify-resource-server'

const EXIT_CODES = `Exit codes:
  0    success: a token was printed, the explained token is accepted, no check failed, or the transmitter did as requested
  1    the explained token, or the request for a token or to a transmitter, is rejected; or a check of doctor or init fails
  2    the arguments are invalid
  3    the issuer or transmitter is unreachable or its response is invalid, the port is in use, or output cannot be written
  4    a bug in this program: please report it
  5    no result: without issuer and audience, the token was only decoded
  130  interrupted by Ctrl+C at a prompt`

export function helpOfAll(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return `Usage: ${PROGRAM} COMMAND [FLAGS]

Commands:
${commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}

Flags:
  -h, --help     Show this help, or that of a command: ${PROGRAM} help COMMAND
  -v, --version  Show the version

${EXIT_CODES}
`
}

export function helpOf({ name, summary, usage, flags, notes, examples }: Command): string {
  const rows = Object.entries({ ...flags, help: HELP }).map(([flag, description]) => {
    const { value, help } = description as { value?: string; help: string }
    return [
      `${flag === 'help' ? '-h, ' : ''}--${flag}${value === undefined ? '' : ` ${value}`}`,
      help,
    ] as const
  })
  const width = Math.max(...rows.map(([flag]) => flag.length))
  const indent = `\n${' '.repeat(width + 4)}`
  return `Usage: ${PROGRAM} ${name} ${usage}

${summary}

Flags:
${rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help.replaceAll('\n', indent)}`).join('\n')}

${notes}

${examples.length === 1 ? 'Example' : 'Examples'}:
${examples.map((example) => `  ${example.replaceAll('\n', '\n  ')}`).join('\n')}

${EXIT_CODES}
`
}

/** Joins the names by commas, with a line break after each 60 to 80 characters. */
export function inLines(names: readonly string[]): string {
  return names.join(', ').replace(/(.{60,79},) /g, '$1\n')
}

export { PROGRAM }
