/** Formats a result as plain-text tables for the terminal. */
import { mapValues } from './map-values.js'
import { table } from './table.js'

export function tables(result) {
  return [...httpTables(result), ...inProcessTables(result)].join('\n')
}

function httpTables({ http, rows: labels, cases }) {
  if (http === undefined) return []
  const names = Object.keys(http.cases)
  const served = names.filter((name) => cases[name] !== 'hostile')
  const [known, fresh, hostile] = ['known', 'new', 'hostile'].map((kind) =>
    names.filter((name) => cases[name] === kind),
  )
  const cellsOf = (columns, format) =>
    mapValues(labels, (_, row) =>
      columns.map((name) => {
        const measured = http.cases[name][row]
        return measured === undefined ? '' : format(measured)
      }),
    )
  const section = (title, columns, format) =>
    table(title, labels, columns, cellsOf(columns, format))
  return [
    ...section(
      'requests per second as a ratio to the open route (quartiles)',
      served,
      ({ ratio }) => spread(ratio, 2),
    ),
    ...section('requests per second as a ratio to the limit', fresh, ({ toLimit }) =>
      toLimit === undefined ? '' : spread(toLimit, 2),
    ),
    ...section('server CPU per request as a ratio to the limit', fresh, ({ cpuToLimit }) =>
      cpuToLimit === undefined ? '' : spread(cpuToLimit, 2),
    ),
    ...section('microseconds of server CPU per request', served, ({ cpu }) => spread(cpu, 0)),
    ...section(
      'latency at full load in microseconds, p50 / p99',
      served,
      ({ p50, p99 }) => `${p50.median.toFixed(0)} / ${p99.median.toFixed(0)}`,
    ),
    ...section('p99 latency as a ratio to the open route', known, ({ p99Ratio }) =>
      spread(p99Ratio, 2),
    ),
    ...section(
      'rejection: microseconds of server CPU more than the open route',
      hostile,
      ({ cpuMore }) => spread(cpuMore, 0),
    ),
    ...section(
      'rejection: fetches of the key set',
      hostile,
      ({ keySetFetches }) => `${keySetFetches}`,
    ),
    ...memoryTable(http.memory, labels),
  ]
}

function memoryTable(memory, labels) {
  const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
  const cells = mapValues(memory, ({ rss, heapUsed, heapPerToken }) => [
    mebibytes(rss),
    mebibytes(heapUsed),
    `${heapPerToken.toFixed(0)} B`,
  ])
  const columns = ['resident', 'heap', 'heap per known token']
  return table(
    'memory after 20,000 known tokens, beside those of the warm-up',
    labels,
    columns,
    cells,
  )
}

/** Titles of the tables of requests; the other tables of `scaling` measure `verify()`. */
const TITLES = {
  routes: 'a request (inject) at an API of n routes',
  scopes: 'a request (inject) to a route that requires',
}

function inProcessTables({ inProcess }) {
  if (inProcess === undefined) return []
  const { verify, scaling, dpop, importTime } = inProcess
  const algorithms = Object.keys(verify)
  const subjects = Object.keys(verify[algorithms[0]])
  const cellsOf = (time) =>
    Object.fromEntries(
      subjects.map((name) => [
        name,
        algorithms.map((algorithm) => spread(verify[algorithm][name][time], 1)),
      ]),
    )
  const ownLabels = (object) => mapValues(object, (_, name) => name)
  const names = ownLabels(verify[algorithms[0]])
  return [
    ...table('microseconds per token, one after the other', names, algorithms, cellsOf('wall')),
    ...table('microseconds of CPU per token, all threads', names, algorithms, cellsOf('cpu')),
    ...Object.entries(scaling).flatMap(([dimension, sizes]) =>
      table(
        TITLES[dimension] ?? `a known token among n ${dimension}`,
        ownLabels(sizes),
        ['microseconds'],
        mapValues(sizes, ({ wall }) => [spread(wall, dimension in TITLES ? 1 : 2)]),
      ),
    ),
    ...table(
      'tokens that are bound to a key, 50 requests (inject) at a time',
      ownLabels(dpop.requests),
      ['a second', 'microseconds of CPU'],
      mapValues(dpop.requests, ({ wall, cpu }) => [
        `${(1e6 / wall.median).toFixed(0)}`,
        spread(cpu, 0),
      ]),
    ),
    `heap for each used proof: ${dpop.bytesPerProof.toFixed(0)} B`,
    ...table(
      'import in a fresh process',
      ownLabels(importTime),
      ['milliseconds'],
      mapValues(importTime, (time) => [spread(time, 1)]),
    ),
  ]
}

export function spread({ median, low, high }, digits) {
  const [middle, from, to] = [median, low, high].map((value) => value.toFixed(digits))
  return `${middle} (${from}-${to})`
}
