/** Prints what failed, as plain text that names files and lines of TypeScript. */
import { inspect } from 'node:util'

/** What tap says of a failure that isn't worth a line. */
const SILENT = ['at', 'diff', 'source', 'stack', 'time', 'type', 'tapCaught', 'duration_ms']

/** A frame of a stack that is this runner's own. */
const OF_THE_RUNNER = /scripts\/tests\/async-domain\.js:\d+:\d+\)?$/

export function textOf({ name, diag }) {
  const { at, diff, source, stack } = diag
  const place = at?.fileName && `at ${at.fileName}:${at.lineNumber}:${at.columnNumber}`
  const rest = Object.entries(diag).filter(([key]) => !SILENT.includes(key))
  const parts = [
    ...(diff ? [diff] : rest.map(([key, value]) => `${key}: ${shown(value)}`)),
    place,
    source,
    stack,
  ]
  const body = parts
    .filter(Boolean)
    .flatMap((part) => part.trimEnd().split('\n'))
    .filter((line) => !OF_THE_RUNNER.test(line))
    .map((line) => `    ${line}`)
  return [`✗ ${name}`, ...body].join('\n')
}

function shown(value) {
  return typeof value === 'string' ? value.trimEnd() : inspect(value, { depth: 4 })
}
