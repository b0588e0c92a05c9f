/**
 * Introspection under attack: measures how many legitimate requests are rejected while an attacker
 * sends forged opaque tokens, at issuers that differ in their response to unknown tokens.
 *
 *   npm run suite -- introspection-attack          13 minutes: one a cell
 *   npm run suite -- introspection-attack --short  1 minute: 5 seconds a cell, JWTs under attack only
 *
 * Cells are measured several at a time. One that fails is measured again alone, because a machine
 * that stalls looks like an issuer that does not respond in time; only the second measurement
 * counts.
 *
 * Exits with 1 if a request is rejected where none should be, or more than the bound of its row.
 */
import { answers, COUNTS_INVALID, countingInvalid } from './answers.js'
import { playCell } from './cell.js'

const isShort = process.argv.includes('--short')
const seconds = isShort ? 5 : 60
const RATES = [0, 1, 20]
/**
 * More rows in parallel would overload the machine: each has an API, an issuer and up to 42
 * requests a second.
 */
const AT_ONCE = 6
/**
 * The maximum percentage of rejected requests with cached tokens, by column. The issuer blocks all
 * tokens two or three times in the first ten seconds, and rarely afterwards.
 */
const MAX_KNOWN_REJECTED = { [COUNTS_INVALID]: [0, 0, isShort ? 90 : 20] }
/** Only the issuer's own rate limit stops these. */
const NEW_MAY_BE_REJECTED = { [COUNTS_INVALID]: [false, false, true] }

const rows = [false, true].flatMap((jwts) => [
  ...Object.entries(answers).map(([name, answer]) => {
    const start = () => (isValid) => (isValid ? undefined : answer)
    return { name, jwts, start, cells: [] }
  }),
  { name: COUNTS_INVALID, jwts, start: countingInvalid, cells: [] },
])

for (const [column, forgedPerSecond] of RATES.entries()) {
  const played = rows.filter(({ jwts }) => !(isShort && jwts && column < RATES.length - 1))
  for (let i = 0; i < played.length; i += AT_ONCE) {
    await Promise.all(
      played.slice(i, i + AT_ONCE).map(async (row) => {
        row.cells[column] = await play(row, forgedPerSecond)
      }),
    )
  }
}

for (const row of rows) {
  for (const [i, cell] of row.cells.entries()) {
    if (cell === undefined || !isFailing(cell, row.name, i)) continue
    console.error(`measured again alone, because of ${percentage(cell)}: ${titleOf(row, i)}`)
    row.cells[i] = await play(row, RATES[i])
  }
}

console.log(
  '| answer about an unknown token | honest tokens | no attack | 1 forged a second | 20 a second |',
)
console.log('| --- | --- | --- | --- | --- |')
for (const { name, jwts, cells } of rows) {
  const honest = jwts ? 'JWTs, `always`' : 'opaque'
  console.log(`| ${[name, honest, ...Array.from(cells, percentage)].join(' | ')} |`)
}

for (const row of rows) {
  for (const [i, cell] of row.cells.entries()) {
    if (cell === undefined || !isFailing(cell, row.name, i)) continue
    console.error(`${titleOf(row, i)}:`, cell)
    process.exitCode = 1
  }
}

function play({ jwts, start }, forgedPerSecond) {
  return playCell({ answerTo: start(), jwts, forgedPerSecond, seconds })
}

function titleOf({ name, jwts }, column) {
  return `${name}${jwts ? ', JWTs' : ''}, ${RATES[column]} forged a second`
}

function isFailing({ sent, rejected }, name, column) {
  const most = MAX_KNOWN_REJECTED[name]?.[column] ?? 0
  const isNewRejected = rejected.new > 0 && !NEW_MAY_BE_REJECTED[name]?.[column]
  return (
    sent.known === 0 ||
    sent.new === 0 ||
    isNewRejected ||
    (rejected.known / sent.known) * 100 > most
  )
}

function percentage(cell) {
  if (cell === undefined) return '–'
  const { sent, rejected } = cell
  if (rejected.known + rejected.new === 0) return '0 %'
  const all = percent(rejected.known + rejected.new, sent.known + sent.new)
  const known = percent(rejected.known, sent.known)
  return `${all} (known tokens: ${known}, new ones: ${percent(rejected.new, sent.new)})`
}

function percent(part, whole) {
  return `${Number(((part / whole) * 100).toFixed(1))} %`
}
