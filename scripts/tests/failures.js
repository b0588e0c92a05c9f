/** Formats failures as plain text that names files and lines of TypeScript. */
import { inspect } from 'node:util'

/** Diagnostics of tap that are omitted or printed separately. */
const NOT_LISTED = ['at', 'diff', 'source', 'stack', 'time', 'type', 'tapCaught', 'duration_ms']

/** Matches a stack frame of this test runner. */
const RUNNER_FRAME = /scripts\/tests\/async-domain\.js:\d+:\d+\)?$/

export function textOf({ name, diag }) {
  const { at, diff, source, stack } = diag
  const place = at?.fileName && `at ${at.fileName}:${at.lineNumber}:${at.columnNumber}`
  const rest = Object.entries(diag).filter(([key]) => !NOT_LISTED.includes(key))
  const parts = [
    ...(diff ? [diff] : rest.map(([key, value]) => `${key}: ${format(value)}`)),
    place,
    source,
    stack,
  ]
  const body = parts
    .filter(Boolean)
    .flatMap((part) => part.trimEnd().split('\n'))
    .filter((line) => !RUNNER_FRAME.test(line))
    .map((line) => `    ${line}`)
  return [`✗ ${name}`, ...body].join('\n')
}

function format(value) {
  return typeof value === 'string' ? value.trimEnd() : inspect(value, { depth: 4 })
}
