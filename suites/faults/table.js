/** Formats the rows for a terminal, and as a Markdown table for the docs. */
import { createRequire } from 'node:module'

const { version } = createRequire(import.meta.url)('jose/package.json')

export function forTerminal({ name, expected, seen, wrong, jose, took }) {
  const lines = [
    `${mark(wrong)} ${name} (${(took / 1000).toFixed(1)} s)`,
    `    expected   ${expected}`,
    `    measured   ${seen}`,
    ...wrong.map((what) => `    FAILED     ${what}`),
    `    jose       ${jose}`,
  ]
  return `${lines.join('\n')}\n`
}

export function asMarkdown(rows) {
  return [
    `| case | expected | measured | | jose ${version} |`,
    '| --- | --- | --- | --- | --- |',
    ...rows.map(
      ({ name, expected, seen, wrong, jose }) =>
        `| ${[name, expected, seen, mark(wrong), jose].map(cell).join(' | ')} |`,
    ),
  ].join('\n')
}

function mark(wrong) {
  return wrong.length === 0 ? '✔' : '✘'
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
