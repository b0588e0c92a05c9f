/** Parses the command line. */
import { parseArgs } from 'node:util'
import { cases } from './cases.js'
import { availableCpus } from './cpus.js'
import { rows } from './rows.js'

export const USAGE = `npm run bench [-- options]

  --quick            fewer and shorter rounds and cases, in about 90 seconds
  --rows a,b         only these rows and the open route
  --cases a,b        only these cases
  --rounds n         default 5, or 2 with --quick
  --pin              pin servers to one CPU and the client to another; by default the system schedules them
  --port n           port of the issuer; default 40871
  --only part        only this part of the benchmark: http or in-process
  --publish          copy the last full result to docs and draw its chart; measures nothing

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
    parts: readParts(only),
    rows: rows.filter((row) => wanted.includes(row) || baselines.has(row.name)),
    cases: chosenCases,
    rounds: positiveInteger('rounds', values.rounds ?? (quick ? 2 : 5)),
    port: positiveInteger('port', values.port),
    cpus: values.pin ? availableCpus() : undefined,
    warmUpTokens: quick ? 6_000 : 20_000,
    newPerRound: quick ? 1_500 : 5_000,
    // Turns of each row in a case and round. Few and long, because CPU caches are cold at the
    // start.
    slices: quick ? 4 : 8,
    // Limits for slow rows; other rows reach their number of requests first. Hostile cases have no
    // number.
    milliseconds: quick
      ? { warmUp: 1_500, known: 400, new: 500, hostile: 150 }
      : { warmUp: 5_000, known: 2_500, new: 2_000, hostile: 400 },
  }
}

function choose(kind, all, names) {
  if (names === undefined) return all
  return names.split(',').map((name) => {
    const found = all.find((candidate) => candidate.name === name)
    if (found === undefined) throw new Error(`Unknown ${kind} "${name}"\n\n${USAGE}`)
    return found
  })
}

function readParts(only) {
  if (only === undefined) return ['http', 'in-process']
  if (only === 'http' || only === 'in-process') return [only]
  throw new Error(`--only must be http or in-process\n\n${USAGE}`)
}

function positiveInteger(name, value) {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`--${name} must be a positive integer`)
}
