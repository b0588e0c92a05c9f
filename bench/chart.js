/**
 * Draws a result as SVG: the throughput of each row as a ratio to the open route, for known and for
 * new tokens. The colors follow the light or dark scheme of the page.
 *
 *   node bench/chart.js < bench/results/latest.json > chart.svg
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SERIES = [
  { name: 'known-1000', label: 'known tokens', style: 'known' },
  { name: 'new-RS256', label: 'every token new (RS256)', style: 'new' },
]

const WIDTH = 840
const LEFT = 270
const RIGHT = 60
const TOP = 84
const BOTTOM = 76
const ROW = 44
const BAR = 15
const PLOT = WIDTH - LEFT - RIGHT

const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 }
  .quiet { fill: #59636e; font-size: 12px }
  .ours { font-weight: 600 }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .known { fill: #0969da }
  .new { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .known { fill: #4493f8 }
    .new { fill: #f0883e }
  }`

export function drawChart({ http, rows, machine, date }) {
  const drawn = Object.keys(rows).filter((row) =>
    SERIES.every(({ name }) => http.cases[name]?.[row]),
  )
  if (drawn.length === 0) {
    const names = SERIES.map(({ name }) => name).join(' and ')
    throw new Error(`The result has no row with the cases ${names}: run the benchmark with them`)
  }
  const ratios = drawn.flatMap((row) =>
    SERIES.map(({ name }) => http.cases[name][row].ratio.median),
  )
  const maxRatio = Math.max(1, Math.ceil(Math.max(...ratios) * 4) / 4)
  const x = (ratio) => LEFT + (ratio / maxRatio) * PLOT
  const foot = TOP + drawn.length * ROW
  const height = foot + BOTTOM
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">Throughput of a protected Fastify route</title>
<desc id="description">${describe(drawn, rows, http)}</desc>
<style>${STYLE}
</style>
${text(16, 28, 'Throughput of a protected route, open Fastify route = 1', 'title')}
${legend()}
${axis(maxRatio, x, foot)}
${drawn.map((row, i) => bars(row, rows[row], http, x, TOP + i * ROW)).join('\n')}
${text(LEFT + PLOT / 2, foot + 42, 'requests per second, as a ratio to the same route without a plugin', 'quiet', 'middle')}
${text(16, height - 10, `${machine.cpu}, Node ${machine.node}, 50 connections, ${date.slice(0, 10)}; medians`, 'quiet')}
</svg>
`
}

function bars(name, label, { cases }, x, y) {
  const lines = [text(LEFT - 10, y + 20, label, name === 'ours' ? 'ours' : '', 'end')]
  for (const [i, { name: caseName, style }] of SERIES.entries()) {
    const { median } = cases[caseName][name].ratio
    const top = y + i * (BAR + 2)
    const width = (x(median) - LEFT).toFixed(1)
    lines.push(`<rect class="${style}" x="${LEFT}" y="${top}" width="${width}" height="${BAR}"/>`)
    lines.push(text(x(median) + 6, top + 12, median.toFixed(2), 'quiet'))
  }
  return lines.join('\n')
}

function axis(maxRatio, x, foot) {
  const ticks = Array.from({ length: maxRatio * 4 + 1 }, (_, i) => i / 4)
  return ticks
    .map((tick) =>
      [
        `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 8}" y2="${foot}"/>`,
        text(x(tick), foot + 18, tick.toFixed(2), 'quiet', 'middle'),
      ].join('\n'),
    )
    .join('\n')
}

function legend() {
  return SERIES.map(({ label, style }, i) => {
    const left = LEFT + i * 140
    return `<rect class="${style}" x="${left}" y="46" width="12" height="12"/>\n${text(left + 18, 57, label)}`
  }).join('\n')
}

function describe(drawn, rows, { cases }) {
  return drawn
    .map((row) => {
      const ratios = SERIES.map(
        ({ name, label }) => `${cases[name][row].ratio.median.toFixed(2)} ${label}`,
      )
      return escapeXml(`${rows[row]}: ${ratios.join(', ')}.`)
    })
    .join(' ')
}

function text(x, y, content, style = '', anchor = 'start') {
  const classes = style === '' ? '' : ` class="${style}"`
  return `<text x="${x.toFixed(1)}" y="${y}"${classes} text-anchor="${anchor}">${escapeXml(content)}</text>`
}

function escapeXml(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(drawChart(JSON.parse(readFileSync(0, 'utf8'))))
}
