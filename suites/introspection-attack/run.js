/**
 * Measures how many legitimate requests the API rejects while an attacker sends forged opaque tokens,
 * with issuers that differ in their response to unknown tokens.
 *
 *   npm run suite -- introspection-attack          13 minutes: 60 seconds a cell
 *   npm run suite -- introspection-attack --short  1 minute: 5 seconds a cell, JWTs under attack only
 *
 * The suite measures several cells in parallel. It measures a failed cell again alone, because a stall
 * of the machine looks like an issuer that does not respond in time; only the second measurement
 * counts.
 *
 * Exits with 1 if the API rejects more legitimate requests than the bound of the cell (0 in most cells).
 */

import { measureCell } from './cell.js'
import { issuerResponses, RATE_LIMIT, rateLimitInvalidTokens } from './responses.js'

const isShort = process.argv.includes('--short')
const seconds = isShort ? 5 : 60
const RATES = [0, 1, 20]
/**
 * More rows in parallel would overload the machine: each has an API, an issuer and up to 42
 * requests a second.
 */
const MAX_PARALLEL_CELLS = 6
/**
 * Maximum percentage of rejected requests with known tokens, by column. The issuer blocks all tokens
 * two or three times in the first ten seconds, and rarely afterwards.
 */
const MAX_KNOWN_REJECTED = { [RATE_LIMIT]: [0, 0, isShort ? 90 : 20] }
/** Whether the API may reject new tokens, by column: the issuer's rate limit rejects them too. */
const MAY_REJECT_NEW = { [RATE_LIMIT]: [false, false, true] }

const rows = [false, true].flatMap((jwts) => [
  ...Object.entries(issuerResponses).map(([name, sendResponse]) => {
    const start = () => (isValid) => (isValid ? undefined : sendResponse)
    return { name, jwts, start, cells: [] }
  }),
  { name: RATE_LIMIT, jwts, start: rateLimitInvalidTokens, cells: [] },
])

for (const [column, forgedPerSecond] of RATES.entries()) {
  const measured = rows.filter(({ jwts }) => !(isShort && jwts && column < RATES.length - 1))
  for (let i = 0; i < measured.length; i += MAX_PARALLEL_CELLS) {
    await Promise.all(
      measured.slice(i, i + MAX_PARALLEL_CELLS).map(async (row) => {
        row.cells[column] = await measure(row, forgedPerSecond)
      }),
    )
  }
}

for (const row of rows) {
  for (const [i, cell] of row.cells.entries()) {
    if (cell === undefined || !isFailing(cell, row.name, i)) continue
    console.error(`measuring again alone, because of ${percentage(cell)}: ${titleOf(row, i)}`)
    row.cells[i] = await measure(row, RATES[i])
  }
}

console.log(
  '| response about an unknown token | legitimate tokens | no attack | 1 forged token a second | 20 forged tokens a second |',
)
console.log('| --- | --- | --- | --- | --- |')
for (const { name, jwts, cells } of rows) {
  const legitimate = jwts ? 'JWTs, `always`' : 'opaque'
  console.log(`| ${[name, legitimate, ...Array.from(cells, percentage)].join(' | ')} |`)
}

for (const row of rows) {
  for (const [i, cell] of row.cells.entries()) {
    if (cell === undefined || !isFailing(cell, row.name, i)) continue
    console.error(`${titleOf(row, i)}:`, cell)
    process.exitCode = 1
  }
}

function measure({ jwts, start }, forgedPerSecond) {
  return measureCell({ responseTo: start(), jwts, forgedPerSecond, seconds })
}

function titleOf({ name, jwts }, column) {
  return `${name}${jwts ? ', JWTs' : ''}, ${RATES[column]} forged tokens a second`
}

function isFailing({ sent, rejected }, name, column) {
  const maxKnownRejected = MAX_KNOWN_REJECTED[name]?.[column] ?? 0
  const isNewRejected = rejected.new > 0 && !MAY_REJECT_NEW[name]?.[column]
  return (
    sent.known === 0 ||
    sent.new === 0 ||
    isNewRejected ||
    (rejected.known / sent.known) * 100 > maxKnownRejected
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
