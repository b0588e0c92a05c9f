/** Formats the results for a terminal and as Markdown tables. */
import type { Level, Outcome, Result } from './check.js'
import { invisibleProperties } from './invisible-properties.js'
import type { TargetResults } from './run-checks.js'

const MARKS = { pass: '✔', fail: '✘', 'n/a': '–' } as const

export function forTerminal({ target, results, durationMs }: TargetResults): string {
  const lines = results
    .filter(({ status }) => status !== 'n/a')
    .flatMap((result) => [
      `  ${MARKS[result.status]} ${result.id.padEnd(3)} ${result.level.padEnd(6)} ${result.title} (${result.section})`,
      ...(result.status === 'fail'
        ? [`          expected ${result.expected}`, `          found    ${result.found}`]
        : []),
    ])
  return [
    `${target} (${(durationMs / 1000).toFixed(1)} s)`,
    ...lines,
    `  ${summary(results)}`,
    '',
  ].join('\n')
}

/** Returns a text such as `71 pass, 0 fail, 20 n/a`. */
export function summary(results: readonly Outcome[]): string {
  return Object.keys(MARKS)
    .map((status) => `${results.filter((result) => result.status === status).length} ${status}`)
    .join(', ')
}

/** Returns a table with a row for each id and a column for each target. */
export function idsByTargets(all: readonly TargetResults[]): string {
  const ids = [...new Set(all.flatMap(({ results }) => results.map(({ id }) => id)))]
  return markdown(
    ['', ...all.map(({ target }) => target)],
    ids.map((id) => [
      id,
      ...all.map(({ results }) => mark(results.filter((result) => result.id === id))),
    ]),
  )
}

/** Returns a table with a row for each check and a column for each target, with the failed responses. */
export function checksByTargets(all: readonly TargetResults[]): string {
  const [first] = all
  if (first === undefined) return ''
  return markdown(
    ['', 'rule', '', 'required by', ...all.map(({ target }) => target)],
    first.results
      .map(({ id, title, section, level }, i) => {
        const results = all.map((target) => target.results[i] as Result)
        return { row: [id, title, section, requiredBy(level)], results }
      })
      .filter(({ results }) => results.some(({ status }) => status !== 'n/a'))
      .map(({ row, results }) => [...row, ...results.map(cellOf)]),
  )
}

export function invisiblePropertiesTable(): string {
  return markdown(
    ['', 'invisible property', 'test'],
    invisibleProperties.map(({ id, property, test }) => [id, property, `\`${test}\``]),
  )
}

function mark(results: readonly Result[]): string {
  const statuses = new Set(results.map(({ status }) => status))
  return statuses.has('fail') ? MARKS.fail : statuses.has('pass') ? MARKS.pass : MARKS['n/a']
}

function cellOf(result: Result): string {
  return result.status === 'fail' ? `✘ ${result.found}` : MARKS[result.status]
}

function requiredBy(level: Level): string {
  return level === 'ours' ? 'us' : level
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
