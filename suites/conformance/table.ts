/** The verdicts: for a terminal, as Markdown for the docs, as JSON. */
import type { Level, Result, Verdict } from './check.js'
import type { Played } from './play.js'
import { unseen } from './unseen.js'

const MARKS = { pass: '✔', fail: '✘', 'n/a': '–' } as const

export function forTerminal({ target, results, took }: Played): string {
  const lines = results
    .filter(({ verdict }) => verdict !== 'n/a')
    .flatMap((result) => [
      `  ${MARKS[result.verdict]} ${result.id.padEnd(3)} ${result.level.padEnd(6)} ${result.title} (${result.section})`,
      ...(result.verdict === 'fail'
        ? [`          expected ${result.expected}`, `          found    ${result.found}`]
        : []),
    ])
  return [`${target} (${(took / 1000).toFixed(1)} s)`, ...lines, `  ${summary(results)}`, ''].join(
    '\n',
  )
}

/** `71 pass, 0 fail, 20 n/a` */
export function summary(results: readonly Verdict[]): string {
  return Object.keys(MARKS)
    .map((verdict) => `${results.filter((one) => one.verdict === verdict).length} ${verdict}`)
    .join(', ')
}

/** A row for each id, a column for each target. */
export function idsByTargets(played: readonly Played[]): string {
  const ids = [...new Set(played.flatMap(({ results }) => results.map(({ id }) => id)))]
  return markdown(
    ['', ...played.map(({ target }) => target)],
    ids.map((id) => [
      id,
      ...played.map(({ results }) => mark(results.filter((one) => one.id === id))),
    ]),
  )
}

/** A row for each check, a column for each target; what failed is told below. */
export function checksByTargets(played: readonly Played[]): string {
  const [first] = played
  if (first === undefined) return ''
  return markdown(
    ['', 'rule', '', 'required by', ...played.map(({ target }) => target)],
    first.results
      .map(({ id, title, section, level }, i) => {
        const verdicts = played.map(({ results }) => results[i] as Result)
        return { row: [id, title, section, askedBy(level)], verdicts }
      })
      .filter(({ verdicts }) => verdicts.some(({ verdict }) => verdict !== 'n/a'))
      .map(({ row, verdicts }) => [...row, ...verdicts.map(inWords)]),
  )
}

export function unseenRows(): string {
  return markdown(
    ['', 'invisible property', 'test'],
    unseen.map(({ id, what, test }) => [id, what, `\`${test}\``]),
  )
}

function mark(results: readonly Result[]): string {
  const verdicts = new Set(results.map(({ verdict }) => verdict))
  return verdicts.has('fail') ? MARKS.fail : verdicts.has('pass') ? MARKS.pass : MARKS['n/a']
}

function inWords(result: Result): string {
  return result.verdict === 'fail' ? `✘ ${result.found}` : MARKS[result.verdict]
}

function askedBy(level: Level): string {
  return level === 'ours' ? 'us' : level
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
