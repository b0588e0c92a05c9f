/** Formats a result as Markdown tables for the performance guide. */

const BEGIN = '<!-- figures: written by npm run bench -- --publish -->'
const END = '<!-- /figures -->'

/** Returns the guide with its figures replaced by those of this result. */
export function withFigures(guide, result) {
  const [before, rest] = guide.split(BEGIN)
  const [, after] = (rest ?? '').split(END)
  if (after === undefined) throw new Error(`The performance guide has no "${BEGIN}" … "${END}"`)
  return `${before}${BEGIN}\n${figures(result)}\n${END}${after}`
}

function figures({ http, rows, cases, machine, date, command, rounds, inProcess }) {
  const names = Object.keys(http.cases)
  const served = names.filter((name) => cases[name] !== 'hostile')
  const hostile = names.filter((name) => cases[name] === 'hostile')
  const { cpu, cores, node, pinned } = machine
  const each = (columns, format) =>
    Object.entries(rows).map(([row, label]) => [
      label,
      ...columns.map((name) => {
        const measured = http.cases[name][row]
        return measured === undefined ? '' : format(measured)
      }),
    ])
  return [
    `\`${command}\`, ${date.slice(0, 10)}: ${cpu}, ${cores} cores, Node ${node}; pinned: ${pinned}; ` +
      `medians of ${rounds} rounds.`,
    'Requests per second, as a ratio to the open route:',
    table(
      ['', ...served],
      each(served, ({ ratio }) => ratio.median.toFixed(2)),
    ),
    'Microseconds of server CPU for a request:',
    table(
      ['', ...served],
      each(served, ({ cpu: used }) => used.median.toFixed(0)),
    ),
    'Microseconds of server CPU for a rejection, in addition to the response of an open route:',
    table(
      ['', ...hostile],
      each(hostile, ({ cpuMore }) => cpuMore.median.toFixed(0)),
    ),
    'Heap for each cached token:',
    table(
      ['', 'bytes'],
      Object.entries(http.memory).map(([row, { heapPerToken }]) => [
        rows[row],
        heapPerToken.toFixed(0),
      ]),
    ),
    `Sender-constrained tokens (DPoP), 50 concurrent requests, without a network. A used proof takes ${inProcess.dpop.bytesPerProof.toFixed(0)} bytes in the replay cache.`,
    table(
      ['', 'a second', 'microseconds of CPU'],
      Object.entries(inProcess.dpop.requests).map(([name, { wall, cpu: used }]) => [
        name,
        (1e6 / wall.median).toFixed(0),
        used.median.toFixed(0),
      ]),
    ),
    'Milliseconds to import, in a fresh process:',
    table(
      ['', 'ms'],
      Object.entries(inProcess.importTime).map(([name, time]) => [name, time.median.toFixed(0)]),
    ),
  ].join('\n\n')
}

function table([first, ...columns], lines) {
  return [
    `| ${[first, ...columns].join(' | ')} |`,
    `| --- |${columns.map(() => ' ---: |').join('')}`,
    ...lines
      .filter(([, ...cells]) => cells.some((cell) => cell !== ''))
      .map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n')
}
