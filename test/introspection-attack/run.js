/**
 * Introspection under attack: how many honest requests are rejected beside forged opaque tokens, at
 * issuers that differ in what they answer about tokens that they do not know.
 *
 *   npm run test:introspection-attack                     one minute a column
 *   npm run test:introspection-attack -- --short          5 seconds a column
 *   npm run test:introspection-attack -- --except=TEXT    without the rows with that in their name
 */
import { answers } from './answers.js'
import { playCell } from './cell.js'

const seconds = process.argv.includes('--short') ? 5 : 60
const RATES = [0, 1, 20]

const except = process.argv.find((one) => one.startsWith('--except='))?.slice('--except='.length)
const chosen = Object.entries(answers).filter(([name]) => !except || !name.includes(except))
const rows = chosen.map(([name]) => ({ name, cells: [] }))

// The rows at once, the columns one after another: more would be a test of the machine.
for (const forgedPerSecond of RATES) {
  const playing = chosen.map(([, answer]) => playCell({ answer, forgedPerSecond, seconds }))
  const column = await Promise.all(playing)
  for (const [i, { cells }] of rows.entries()) cells.push(column[i])
}

console.log('| answer about an unknown token | no attack | 1 forged a second | 20 a second |')
console.log('| --- | --- | --- | --- |')
for (const { name, cells } of rows) {
  console.log(`| ${[name, ...cells.map(percentage)].join(' | ')} |`)
}

const failed = rows.flatMap(({ name, cells }) =>
  cells.flatMap((cell, i) => (isFailing(cell) ? [{ name, cell, i }] : [])),
)
for (const { name, cell, i } of failed) {
  console.error(`${name}, ${RATES[i]} forged a second:`, cell)
}
process.exitCode = failed.length > 0 || rows.length === 0 ? 1 : 0

function isFailing({ sent, rejected }) {
  return sent.known === 0 || sent.new === 0 || rejected.known + rejected.new > 0
}

function percentage(cell) {
  const { sent, rejected } = cell
  if (!isFailing(cell)) return '0 %'
  const all = percent(rejected.known + rejected.new, sent.known + sent.new)
  const known = percent(rejected.known, sent.known)
  return `${all} (known tokens: ${known}, new ones: ${percent(rejected.new, sent.new)})`
}

function percent(part, whole) {
  return `${Number(((part / whole) * 100).toFixed(1))} %`
}
