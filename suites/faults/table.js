/** Formats the rows for a terminal, and as a Markdown table for the docs. */
import { createRequire } from 'node:module'

const { version } = createRequire(import.meta.url)('jose/package.json')

export function forTerminal({ name, expected, measured, failures, jose, durationMs }) {
  const lines = [
    `${mark(failures)} ${name} (${(durationMs / 1000).toFixed(1)} s)`,
    `    expected   ${expected}`,
    `    measured   ${measured}`,
    ...failures.map((failure) => `    FAILED     ${failure}`),
    `    jose       ${jose}`,
  ]
  return `${lines.join('\n')}\n`
}

export function asMarkdown(rows) {
  return [
    `| case | expected | measured | | jose ${version} |`,
    '| --- | --- | --- | --- | --- |',
    ...rows.map(
      ({ name, expected, measured, failures, jose }) =>
        `| ${[name, expected, measured, mark(failures), jose].map(cell).join(' | ')} |`,
    ),
  ].join('\n')
}

function mark(failures) {
  return failures.length === 0 ? '✔' : '✘'
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
