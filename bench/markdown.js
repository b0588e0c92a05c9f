/** Formats a result as Markdown tables for the performance guide. */
import { againstLimit } from './figures.js'
import { peers } from './peers.js'
import { micros, spread } from './tables.js'

const BEGIN = '<!-- figures: written by npm run bench -- --publish -->'
const END = '<!-- /figures -->'

/** Returns the guide with its figures replaced by those of this result. */
export function withFigures(guide, result) {
  const [before, rest] = guide.split(BEGIN)
  const [, after] = (rest ?? '').split(END)
  if (after === undefined) throw new Error(`The performance guide has no "${BEGIN}" … "${END}"`)
  return `${before}${BEGIN}\n${figures(result)}\n${END}${after}`
}

function figures(result) {
  const { cases, memory, importTime } = result
  const served = Object.keys(cases).filter((name) => /^(?:known|new)/.test(name))
  const hostile = Object.keys(cases).filter((name) => !served.includes(name))
  const ofPeers = (columns, format) =>
    Object.entries(peers).map(([peer, { label }]) => [
      label,
      ...columns.map((name) => {
        const { servers, toOpen } = cases[name]
        return servers[peer] === undefined ? '' : format(servers[peer], toOpen[peer])
      }),
    ])
  return [
    describe(result),
    'Microseconds for a request of each path and of its limit, and the ratio of paired turns with its quartiles:',
    pathsTable(result),
    '### Memory of revocations',
    table(
      ['in force', 'bytes each'],
      Object.values(result.paths)
        .filter((path) => path['bytes for each revocation'] !== undefined)
        .map((path) => [
          path.title.replace(/^known, /, ''),
          path['bytes for each revocation'].toFixed(0),
        ]),
    ),
    '### Other packages',
    describe(result.peersRun),
    'Requests per second, as a ratio to the open route:',
    table(
      ['', ...served],
      ofPeers(served, (_, { throughputRatio }) => throughputRatio.median.toFixed(2)),
    ),
    'Microseconds of server CPU for a request:',
    table(
      ['', ...served],
      ofPeers(served, (used) => used.cpu.median.toFixed(0)),
    ),
    'Microseconds of server CPU for a rejection, in addition to the response of an open route:',
    table(
      ['', ...hostile],
      ofPeers(hostile, (_, { cpuMore }) => cpuMore.median.toFixed(0)),
    ),
    'Heap for each cached token:',
    table(
      ['', 'bytes'],
      Object.entries(memory).map(([peer, { heapPerToken }]) => [
        peers[peer].label,
        heapPerToken.toFixed(0),
      ]),
    ),
    'Milliseconds to import, in a fresh process:',
    table(
      ['', 'ms'],
      Object.entries(importTime).map(([name, time]) => [name, time.median.toFixed(0)]),
    ),
  ].join('\n\n')
}

function describe({ date, command, rounds, turns, machine }) {
  const { cpu, cores, node, pinned, load } = machine
  return (
    `\`${command}\`, ${date.slice(0, 10)}: ${cpu}, ${cores} cores, Node ${node}; pinned: ${pinned}; ` +
    (load
      ? `load average ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after; `
      : '') +
    `medians of ${rounds * turns} turns in ${rounds} rounds.`
  )
}

function pathsTable({ paths, skipped }) {
  const lines = Object.values(paths).map((path) => {
    const { title, server, best, limit, servers, kinds } = path
    const compared = againstLimit(path)
    const hasChoice = Object.values(kinds).filter((kind) => kind === 'limit').length > 1
    const own = servers[server]
    return [
      title,
      hasChoice ? `${limit} (${best})` : limit,
      micros(own.cpu.median),
      Math.round(1e6 / own.cpu.median).toLocaleString('en'),
      micros(servers[best].cpu.median),
      spread(compared.cpuRatio, 2),
      own.mainThread === undefined ? '' : micros(own.mainThread.median),
      own.mainThread === undefined ? '' : spread(compared.mainThreadRatio, 2),
    ]
  })
  const missing = Object.entries(skipped).map(([name, program]) => [
    name,
    `not measured: needs ${program}`,
  ])
  return table(
    [
      'path',
      'limit',
      'CPU, µs',
      'a second and core',
      'limit, µs',
      'ratio',
      'main thread, µs',
      'ratio',
    ],
    [...lines, ...missing.map((cells) => [...cells, '', '', '', '', '', ''])],
  )
}

function table([first, ...columns], lines) {
  return [
    `| ${[first, ...columns].join(' | ')} |`,
    `| --- |${columns.map((column) => (column === 'limit' ? ' --- |' : ' ---: |')).join('')}`,
    ...lines
      .filter(([, ...cells]) => cells.some((cell) => cell !== ''))
      .map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n')
}
