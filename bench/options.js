/** The command line. */
import { parseArgs } from 'node:util'
import { cases } from './cases.js'
import { availableCpus } from './cpus.js'
import { rows } from './rows.js'

export const USAGE = `npm run bench [-- options]

  --quick            in 90 seconds: fewer rounds and cases, shorter ones
  --rows a,b         only these rows, beside the open route
  --cases a,b        only these cases
  --rounds n         default 5, or 2 with --quick
  --pin              servers have one CPU and the client another; else that is left to the system
  --port n           of the issuer; default 40871
  --only http        or in-process: half of the benchmark
  --publish          measure nothing: copy the last full result to docs and draw its chart

rows:  ${rows.map(({ name }) => name).join(', ')}
cases: ${cases.map(({ name }) => name).join(', ')}
`

const QUICK_CASES = ['known-1000', 'new-RS256', 'new-ES256', 'bad-signature']

export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      rows: { type: 'string' },
      cases: { type: 'string' },
      rounds: { type: 'string' },
      pin: { type: 'boolean', default: false },
      port: { type: 'string', default: '40871' },
      only: { type: 'string' },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const { quick, publish, help, only } = values
  const wanted = choose('row', rows, values.rows)
  const chosenCases = choose(
    'case',
    cases,
    values.cases ?? (quick ? QUICK_CASES.join() : undefined),
  )
  const baselines = new Set(['open', ...wanted.map(({ baseline }) => baseline)])
  return {
    quick,
    publish,
    help,
    parts: part(only),
    rows: rows.filter((row) => wanted.includes(row) || baselines.has(row.name)),
    cases: chosenCases,
    rounds: positive('rounds', values.rounds ?? (quick ? 2 : 5)),
    port: positive('port', values.port),
    cpus: values.pin ? availableCpus() : undefined,
    warmUpTokens: quick ? 6_000 : 20_000,
    newPerRound: quick ? 1_500 : 5_000,
    // Turns of each row in a case and round: few enough that each runs warm for most of its turn.
    slices: quick ? 4 : 8,
    // For those who are slow; the others are done with their number before. Hostile ones have none.
    milliseconds: quick
      ? { warmUp: 1_500, known: 400, new: 500, hostile: 150 }
      : { warmUp: 5_000, known: 2_500, new: 2_000, hostile: 400 },
  }
}

function choose(what, all, names) {
  if (names === undefined) return all
  return names.split(',').map((name) => {
    const found = all.find((one) => one.name === name)
    if (found === undefined) throw new Error(`there is no ${what} ${name}\n\n${USAGE}`)
    return found
  })
}

function part(only) {
  if (only === undefined) return ['http', 'in-process']
  if (only === 'http' || only === 'in-process') return [only]
  throw new Error(`--only is http or in-process\n\n${USAGE}`)
}

function positive(name, value) {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`--${name} must be a whole number above 0`)
}
