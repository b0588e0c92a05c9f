/**
 * Measures hostile encrypted tokens: the cost of each kind, and the latency of valid requests during a
 * flood of them.
 *
 *     npm run build && node bench/encrypted-tokens.js [--quick] [--rates 500,2000]
 */
import { parseArgs } from 'node:util'
import { FloodBenchmark } from './encrypted-tokens/flood.js'
import { Child } from './ipc.js'
import { machine } from './machine.js'
import { mapValues } from './map-values.js'
import { table } from './table.js'
import { spread } from './tables.js'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rates: { type: 'string', default: '500,2000' },
  },
})
const { quick } = values
const rates = values.rates.split(',').map(Number)

const { cpu, cores, node } = machine()
console.log(`${new Date().toISOString().slice(0, 10)}: ${cpu}, ${cores} cores, Node ${node}\n`)
printCosts(await measureCosts())
printFlood(await measureFlood(quick ? { rounds: 2, seconds: 2 } : { rounds: 7, seconds: 4 }))

async function measureCosts() {
  console.error('cost of a token')
  // A large young generation, so that no garbage is collected while allocations are counted.
  const nodeArgs = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64']
  const script = new URL('./encrypted-tokens/cost.js', import.meta.url)
  const child = new Child('cost', script, { nodeArgs })
  try {
    return await child.call('measure', { quick })
  } finally {
    child.stop()
  }
}

async function measureFlood({ rounds, seconds }) {
  const benchmark = new FloodBenchmark()
  try {
    await benchmark.open()
    return await benchmark.measure({ rates, rounds, seconds })
  } finally {
    benchmark.close()
  }
}

function printCosts({ costs, memory }) {
  const names = mapValues(costs, (_, name) => name)
  const kilobytes = ({ median }) => (median / 1_000).toFixed(0)
  const orNone = (value, format) => (value === undefined ? '' : format(value))
  print(
    'verify() of a token, in microseconds',
    names,
    {
      'wall clock': ({ wall }) => spread(wall, 0),
      'CPU, main thread': ({ mainThread }) => spread(mainThread, 0),
      'CPU, all threads': ({ total }) => spread(total, 0),
      'jose, main thread': ({ joseMainThread }) =>
        orNone(joseMainThread, (time) => spread(time, 0)),
      'jose, all threads': ({ joseTotal }) => orNone(joseTotal, (time) => spread(time, 0)),
    },
    costs,
  )
  print(
    'allocated for a token, in kB',
    names,
    {
      'verify()': ({ allocated }) => kilobytes(allocated),
      jose: ({ joseAllocated }) => orNone(joseAllocated, kilobytes),
    },
    costs,
  )
  console.log(`a full queue of the longest tokens: ${(memory.fullQueue / 1_000).toFixed(0)} kB`)
  console.log(`left behind by a token: ${memory.retained.toFixed(0)} B\n`)
}

function printFlood(conditions) {
  const byName = Object.fromEntries(conditions.map((condition) => [condition.name, condition]))
  const names = mapValues(byName, (_, name) => name)
  const percent = ({ median }) => `${(100 * median).toFixed(0)} %`
  const kinds = Object.keys(conditions[0].latencies)
  for (const [percentile, ratio] of [
    ['p50', 'p50Ratio'],
    ['p99', 'p99Ratio'],
  ]) {
    const columns = kinds.flatMap((kind) => [
      [kind, ({ latencies }) => latencies[kind][percentile].median.toFixed(2)],
      ['ratio', ({ latencies }) => spread(latencies[kind][ratio], 2)],
    ])
    print(`latency of valid requests, ${percentile} in milliseconds`, names, columns, byName)
  }
  print(
    'CPU, as a share of one CPU, and responses with 503',
    names,
    {
      'API, all threads': ({ cpuShare }) => percent(cpuShare),
      'API, main thread': ({ mainThreadShare }) => percent(mainThreadShare),
      'sender of the flood': ({ attackerShare }) => percent(attackerShare),
      '503, flood': ({ floodUnavailable }) => percent({ median: floodUnavailable }),
      '503, new encrypted': ({ latencies }) =>
        percent({ median: latencies['new encrypted'].unavailable }),
    },
    byName,
  )
}

/** @param columns the function that formats a cell, by the name of the column. */
function print(title, labels, columns, rows) {
  const entries = Array.isArray(columns) ? columns : Object.entries(columns)
  const cells = mapValues(rows, (row) => entries.map(([, format]) => format(row)))
  console.log(
    table(
      title,
      labels,
      entries.map(([name]) => name),
      cells,
    ).join('\n'),
  )
}
