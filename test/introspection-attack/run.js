/**
 * Introspection under attack: how many honest requests are rejected beside forged opaque tokens, at
 * issuers that differ in what they answer about tokens that they do not know.
 *
 *   npm run test:introspection-attack                18 minutes: one a cell
 *   npm run test:introspection-attack -- --short     2 minutes: 5 seconds a cell
 *
 * Exits with 1 if a request is rejected where none should be, or more than the bound of its row.
 */
import { answers, COUNTS_INVALID, countingInvalid } from './answers.js'
import { playCell } from './cell.js'

const seconds = process.argv.includes('--short') ? 5 : 60
const RATES = [0, 1, 20]
/** More rows would test the machine: each has an API, an issuer and up to 42 requests a second. */
const AT_ONCE = 4
/**
 * How many of a hundred requests with known tokens may be rejected, by column. The issuer stops all
 * tokens two or three times in the first ten seconds, and rarely from then on.
 */
const MAX_KNOWN_REJECTED = { [COUNTS_INVALID]: [0, 0, seconds < 60 ? 90 : 20] }
/** Nothing but the issuer's own count keeps these out. */
const NEW_MAY_BE_REJECTED = { [COUNTS_INVALID]: [false, false, true] }

const rows = [false, true].flatMap((jwts) => [
  ...Object.entries(answers).map(([name, answer]) => {
    const start = () => (isValid) => (isValid ? undefined : answer)
    return { name, jwts, start, cells: [] }
  }),
  { name: COUNTS_INVALID, jwts, start: countingInvalid, cells: [] },
])

for (const forgedPerSecond of RATES) {
  for (let i = 0; i < rows.length; i += AT_ONCE) {
    await Promise.all(
      rows.slice(i, i + AT_ONCE).map(async ({ jwts, start, cells }) => {
        cells.push(await playCell({ answerTo: start(), jwts, forgedPerSecond, seconds }))
      }),
    )
  }
}

console.log(
  '| answer about an unknown token | honest tokens | no attack | 1 forged a second | 20 a second |',
)
console.log('| --- | --- | --- | --- | --- |')
for (const { name, jwts, cells } of rows) {
  const honest = jwts ? 'JWTs, `always`' : 'opaque'
  console.log(`| ${[name, honest, ...cells.map(percentage)].join(' | ')} |`)
}

const failed = rows.flatMap(({ name, jwts, cells }) =>
  cells.flatMap((cell, i) => (isFailing(cell, name, i) ? [{ name, jwts, cell, i }] : [])),
)
for (const { name, jwts, cell, i } of failed) {
  console.error(`${name}${jwts ? ', JWTs' : ''}, ${RATES[i]} forged a second:`, cell)
}
process.exitCode = failed.length > 0 ? 1 : 0

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

function percentage({ sent, rejected }) {
  if (rejected.known + rejected.new === 0) return '0 %'
  const all = percent(rejected.known + rejected.new, sent.known + sent.new)
  const known = percent(rejected.known, sent.known)
  return `${all} (known tokens: ${known}, new ones: ${percent(rejected.new, sent.new)})`
}

function percent(part, whole) {
  return `${Number(((part / whole) * 100).toFixed(1))} %`
}
