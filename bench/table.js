/** The result as tables for people. */

export function tables(result) {
  const { http, rows } = result
  const parts = []
  if (http !== undefined) {
    const names = Object.keys(http.cases)
    const served = names.filter((name) => result.cases[name] !== 'hostile')
    const hostile = names.filter((name) => result.cases[name] === 'hostile')
    const cell = (format) => (row, name) => {
      const measured = http.cases[name][row]
      return measured === undefined ? '' : format(measured)
    }
    const add = (title, columns, format) => {
      if (columns.length > 0) parts.push(title, '', table(rows, columns, cell(format)), '')
    }
    add('requests per second, as a ratio to the open Fastify route (least-most)', served, (of) =>
      spread(of.ratio, 2),
    )
    add('microseconds of server CPU per request', served, (of) => of.cpu.median.toFixed(0))
    add('latency in microseconds, p50/p99', served, (of) => `${of.p50.median}/${of.p99.median}`)
    add('refusal: microseconds of server CPU more than the open route', hostile, (of) =>
      spread(of.cpuMore, 0),
    )
    add('refusal: fetches of the key set', hostile, (of) => `${of.keySetFetches}`)
    if (Object.keys(http.memory).length > 0) {
      const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
      const columns = {
        resident: ({ rss }) => mebibytes(rss),
        'heap in use': ({ heapUsed }) => mebibytes(heapUsed),
        'heap per known token': ({ heapPerToken }) => `${heapPerToken.toFixed(0)} B`,
      }
      const of = (row, name) => (http.memory[row] ? columns[name](http.memory[row]) : '')
      parts.push('memory after 20,000 known tokens', '', table(rows, Object.keys(columns), of), '')
    }
  }
  return parts.join('\n')
}

function spread({ median, min, max }, digits) {
  const [middle, least, most] = [median, min, max].map((value) => value.toFixed(digits))
  return `${middle} (${least}-${most})`
}

/** @param cell gives the text of a row's name and a column's. */
export function table(rows, columns, cell) {
  const lines = [
    ['', ...columns],
    ...Object.entries(rows).map(([name, { label, version }]) => [
      version === undefined ? label : `${label} ${version}`,
      ...columns.map((column) => cell(name, column)),
    ]),
  ].filter((line, i) => i === 0 || line.slice(1).some((text) => text !== ''))
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  return lines
    .map((line) =>
      line
        .map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i])))
        .join('  '),
    )
    .join('\n')
}
