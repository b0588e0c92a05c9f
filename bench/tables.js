/** Formats a result as plain-text tables for the terminal. */
import { againstLimit } from './figures.js'
import { mapValues } from './map-values.js'
import { peers } from './peers.js'
import { table } from './table.js'

export function tables({ paths, cases, skipped, memory, importTime }) {
  const labels = mapValues(paths, ({ title }) => title)
  const cells = (format) => mapValues(paths, format)
  return [
    ...table(
      'paths against their limits: microseconds of CPU for a request, all threads (quartiles)',
      labels,
      ['path', 'limit', 'difference', 'ratio', 'the limit, and the cheapest way to do it'],
      cells((path) => againstLimitCells(path, 'cpu')),
    ),
    ...table(
      'paths against their limits: microseconds of the main thread for a request (quartiles)',
      labels,
      ['path', 'limit', 'difference', 'ratio'],
      cells((path) => againstLimitCells(path, 'mainThread').slice(0, 4)),
    ),
    ...table(
      'paths against their limits: requests per second (quartiles)',
      labels,
      ['path', 'ratio'],
      cells((path) => [
        path.servers[path.server].perSecond.median.toFixed(0),
        spread(againstLimit(path).throughputRatio, 2),
      ]),
    ),
    ...othersTable(paths, labels),
    ...excessTable(paths, labels),
    ...table(
      'memory',
      labels,
      ['bytes for each revocation'],
      mapValues(paths, (path) => [path['bytes for each revocation']?.toFixed(0) ?? '']),
    ),
    ...Object.entries(skipped).map(([path, program]) => `${path}: not measured, needs ${program}`),
    ...caseTables(cases, memory),
    ...(importTime === undefined ? [] : importTable(importTime)),
  ].join('\n')
}

function againstLimitCells(path, quantity) {
  const { servers, server, best, limit } = path
  if (servers[server][quantity] === undefined) return ['', '', '', '', '']
  const compared = againstLimit(path)
  const hasChoice = Object.values(path.kinds).filter((kind) => kind === 'limit').length > 1
  return [
    micros(servers[server][quantity].median),
    micros(servers[best][quantity].median),
    spread(compared[`${quantity}More`], 1),
    spread(compared[`${quantity}Ratio`], 2),
    hasChoice ? `${limit}: ${best}` : limit,
  ]
}

/** The other ways to do the limit, and the servers that are measured beside the path. */
function othersTable(paths, labels) {
  const rows = Object.entries(paths).flatMap(([name, { against, best, servers }]) =>
    Object.keys(against)
      .filter((other) => other !== best)
      .map((other) => [
        `${name}, ${other}`,
        { name, other, ...against[other], own: servers[other] },
      ]),
  )
  return table(
    'paths against other servers in the same turns',
    Object.fromEntries(rows.map(([key, { name, other }]) => [key, `${labels[name]} / ${other}`])),
    ['CPU of the other', 'its main thread', 'CPU ratio', 'main thread ratio', 'throughput ratio'],
    Object.fromEntries(
      rows.map(([key, { own, cpuRatio, mainThreadRatio, throughputRatio }]) => [
        key,
        [
          micros(own.cpu.median),
          own.mainThread === undefined ? '' : micros(own.mainThread.median),
          spread(cpuRatio, 2),
          own.mainThread === undefined ? '' : spread(mainThreadRatio, 2),
          spread(throughputRatio, 2),
        ],
      ]),
    ),
  )
}

function excessTable(paths, labels) {
  return table(
    'microseconds of CPU more than the open route',
    labels,
    ['path', 'limit'],
    mapValues(paths, ({ toOpen, server, best }) => {
      if (toOpen === undefined) return ['', '']
      const [path, limit] = [toOpen[server].cpuMore, toOpen[best].cpuMore]
      return [spread(path, 1), spread(limit, 1)]
    }),
  )
}

function caseTables(cases, memory) {
  const labels = mapValues(peers, ({ label }) => label)
  const names = Object.keys(cases)
  const served = names.filter((name) => name.startsWith('known') || name.startsWith('new'))
  const hostile = names.filter((name) => !served.includes(name))
  const section = (title, columns, format) =>
    table(
      title,
      labels,
      columns,
      mapValues(labels, (_, peer) => columns.map((name) => cellOfPeer(cases[name], peer, format))),
    )
  return [
    ...section('requests per second as a ratio to the open route', served, (_, toOpen) =>
      spread(toOpen.throughputRatio, 2),
    ),
    ...section('microseconds of server CPU for a request', served, ({ cpu }) => spread(cpu, 0)),
    ...section(
      'latency at full load in microseconds, p50 / p99',
      served,
      ({ p50, p99 }) => `${p50.median.toFixed(0)} / ${p99.median.toFixed(0)}`,
    ),
    ...section(
      'rejection: microseconds of server CPU more than the open route',
      hostile,
      (_, toOpen) => spread(toOpen.cpuMore, 0),
    ),
    ...table(
      'heap for each known token, in bytes',
      labels,
      ['bytes'],
      mapValues(memory, ({ heapPerToken }) => [heapPerToken.toFixed(0)]),
    ),
  ]
}

function cellOfPeer({ servers, toOpen }, peer, format) {
  return servers[peer] === undefined ? '' : format(servers[peer], toOpen[peer])
}

function importTable(importTime) {
  return table(
    'import in a fresh process',
    mapValues(importTime, (_, name) => name),
    ['milliseconds'],
    mapValues(importTime, (time) => [spread(time, 1)]),
  )
}

export function micros(value) {
  return value.toFixed(value < 10 ? 1 : 0)
}

export function spread({ median, low, high }, digits) {
  const [middle, from, to] = [median, low, high].map((value) => value.toFixed(digits))
  return `${middle} (${from}-${to})`
}
