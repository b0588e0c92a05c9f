/** Defines the result of one check of `doctor`, and renders results. */
import type { Colors } from '../colors.js'
import { printable } from '../printable.js'
import { wrap } from '../wrap.js'

export interface HealthCheck {
  /** What was checked, such as `clock`. */
  readonly name: string
  readonly outcome: 'passed' | 'warning' | 'failed'
  readonly found: string
  /** The fix of a failure or the remedy for a warning; `undefined` if there is nothing to do. */
  readonly advice?: string | undefined
}

const MARKS = { passed: '✔', warning: '!', failed: '✘' } as const

export function hasFailed(checks: readonly HealthCheck[]): boolean {
  return checks.some(({ outcome }) => outcome === 'failed')
}

/** @param width the width of the terminal, in columns; `undefined` if lines are not wrapped. */
export function renderHealthChecks(
  checks: readonly HealthCheck[],
  { red, green, bold, dim }: Colors,
  width: number | undefined,
): string {
  const nameWidth = Math.max(...checks.map(({ name }) => name.length))
  const indent = 4 + nameWidth + 2
  const color = { passed: green, warning: bold, failed: red }
  return checks
    .flatMap(({ name, outcome, found, advice }) => {
      const mark = color[outcome](MARKS[outcome])
      const text = wrap(printable(found), width, indent)
      const line = `  ${mark} ${name.padEnd(nameWidth)}  ${text}`
      if (advice === undefined) return [line]
      const remedy = wrap(printable(advice), width, indent + 7)
      return [line, `${' '.repeat(indent)}${dim('to do')}  ${remedy}`]
    })
    .map((line) => `${line}\n`)
    .join('')
}
