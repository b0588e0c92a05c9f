/** Parses the command line. */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { availableCpus } from './cpus.js'
import { paths } from './paths.js'
import { cases, peers } from './peers.js'

export const USAGE = `npm run bench [-- options]

  --rows a,b         paths, peers, or names of paths and cases; a name with * stands for several
                     (default: paths,peers; with --quick: paths)
  --quick            fewer, shorter turns; all paths in less than 3 minutes
  --rounds n         default 3, or 2 with --quick
  --turns n          turns of each server in a round; default 12, or 6 with --quick
  --node PATH        the executable of Node that runs the servers
  --baseline DIR     measure the built plugin of another checkout in the same turns
  --compare OLD.json print the figures that moved since that result
  --from NEW.json    with --compare or --publish: use this result, and measure nothing
  --pin              pin servers to one CPU and the client to another; by default the system schedules them
  --port n           port of the issuer; default 40871
  --publish          copy the last result to docs and draw its chart, if it has all paths or all cases

paths: ${Object.keys(paths).join(', ')}
cases: ${Object.keys(cases).join(', ')}
peers: ${Object.keys(peers).join(', ')}
`

const FULL = {
  rounds: 3,
  turns: 12,
  turnSize: 1,
  turnMilliseconds: 1_500,
  warmUp: { requests: 10_000, milliseconds: 6_000 },
}
const QUICK = {
  rounds: 2,
  turns: 6,
  turnSize: 0.5,
  turnMilliseconds: 500,
  warmUp: { requests: 8_000, milliseconds: 3_000 },
}

export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string' },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      turns: { type: 'string' },
      node: { type: 'string' },
      baseline: { type: 'string' },
      compare: { type: 'string' },
      from: { type: 'string' },
      pin: { type: 'boolean', default: false },
      port: { type: 'string', default: '40871' },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const { quick, rows, rounds, turns, port, pin, baseline } = values
  const mode = quick ? QUICK : FULL
  return {
    ...mode,
    ...values,
    ...chooseRows((rows ?? (quick ? 'paths' : 'paths,peers')).split(',')),
    rounds: rounds === undefined ? mode.rounds : positiveInteger('rounds', rounds),
    turns: turns === undefined ? mode.turns : positiveInteger('turns', turns),
    port: positiveInteger('port', port),
    dist: fileURLToPath(new URL('../dist/', import.meta.url)),
    baseline: baseline && `${baseline}/dist/`,
    cpus: pin ? availableCpus() : undefined,
  }
}

/** Returns the chosen paths and cases of peers, by name and in the order of their tables. */
function chooseRows(names) {
  const all = { ...paths, ...cases }
  const unknown = names.find(
    (name) => !['paths', 'peers'].includes(name) && !Object.keys(all).some(matches(name)),
  )
  if (unknown !== undefined) throw new Error(`Unknown row "${unknown}"\n\n${USAGE}`)
  const chosen = (table, tableName) =>
    Object.fromEntries(
      Object.entries(table).filter(
        ([name]) => names.includes(tableName) || names.some((pattern) => matches(pattern)(name)),
      ),
    )
  const chosenPaths = chosen(paths, 'paths')
  // A name that a path and a case share stands for the path.
  const onlyCases = Object.fromEntries(
    Object.entries(cases).filter(([name]) => names.includes('peers') || !(name in chosenPaths)),
  )
  return { paths: chosenPaths, cases: chosen(onlyCases, 'peers') }
}

function matches(pattern) {
  const expression = new RegExp(
    `^${pattern
      .split('*')
      .map(RegExp.escape ?? escaped)
      .join('.*')}$`,
  )
  return (name) => expression.test(name)
}

function escaped(text) {
  return text.replaceAll(/[^\w]/g, '\\$&')
}

function positiveInteger(name, value) {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`--${name} must be a positive integer`)
}
