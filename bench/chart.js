/**
 * Draws a result as SVG: for each path, the CPU time of a request as a ratio to its limit, with the
 * quartiles. The colors follow the light or dark scheme of the page.
 *
 *   node bench/chart.js < bench/results/latest.json > chart.svg
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { againstLimit } from './figures.js'
import { micros } from './tables.js'

const WIDTH = 990
const LEFT = 340
const RIGHT = 190
const TOP = 64
const BOTTOM = 76
const ROW = 24
const BAR = 13
const PLOT = WIDTH - LEFT - RIGHT
/** Longer bars end here; their label has the ratio. */
const MAX_RATIO = 3

const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 }
  .quiet { fill: #59636e; font-size: 12px }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .limit { stroke: #1f2328; stroke-width: 1.5 }
  .quartiles { stroke: #1f2328; stroke-width: 1.5 }
  .bar { fill: #54aeff }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .limit, .quartiles { stroke: #f0f6fc }
    .bar { fill: #1f6feb }
  }`

export function drawChart({ paths, machine, date }) {
  const drawn = Object.values(paths)
  const foot = TOP + drawn.length * ROW
  const height = foot + BOTTOM
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">CPU time of each path relative to its limit</title>
<desc id="description">${drawn.map(describe).join(' ')}</desc>
<style>${STYLE}
</style>
${text(16, 28, 'CPU time of a request, relative to the least code that could do the same', 'title')}
${axis(foot)}
${drawn.map((path, i) => bar(path, TOP + i * ROW)).join('\n')}
${text(LEFT + PLOT / 2, foot + 42, 'ratio to the limit, with quartiles; shorter is better', 'quiet', 'middle')}
${text(16, height - 10, `${machine.cpu}, Node ${machine.node}, 50 connections, ${date.slice(0, 10)}; medians of paired turns`, 'quiet')}
</svg>
`
}

const x = (ratio) => LEFT + (Math.min(ratio, MAX_RATIO) / MAX_RATIO) * PLOT

function bar(path, top) {
  const { title, server, best, servers } = path
  const { median, low, high } = againstLimit(path).cpuRatio
  const width = (x(median) - LEFT).toFixed(1)
  const middle = top + BAR / 2
  const [own, limit] = [server, best].map((name) => micros(servers[name].cpu.median))
  return [
    text(LEFT - 10, top + 11, title, '', 'end'),
    `<rect class="bar" x="${LEFT}" y="${top}" width="${width}" height="${BAR}"/>`,
    `<line class="quartiles" x1="${x(low).toFixed(1)}" x2="${x(high).toFixed(1)}" y1="${middle}" y2="${middle}"/>`,
    text(WIDTH - RIGHT + 12, top + 11, `${median.toFixed(2)}: ${own} against ${limit} µs`, 'quiet'),
  ].join('\n')
}

function axis(foot) {
  const ticks = Array.from({ length: MAX_RATIO * 2 + 1 }, (_, i) => i / 2)
  return ticks
    .map((tick) =>
      [
        `<line class="${tick === 1 ? 'limit' : 'grid'}" x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 8}" y2="${foot}"/>`,
        text(x(tick), foot + 18, tick.toFixed(1), 'quiet', 'middle'),
      ].join('\n'),
    )
    .join('\n')
}

function describe(path) {
  return escapeXml(`${path.title}: ${againstLimit(path).cpuRatio.median.toFixed(2)}.`)
}

function text(left, top, content, style = '', anchor = 'start') {
  const classes = style === '' ? '' : ` class="${style}"`
  return `<text x="${left.toFixed(1)}" y="${top}"${classes} text-anchor="${anchor}">${escapeXml(content)}</text>`
}

function escapeXml(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(drawChart(JSON.parse(readFileSync(0, 'utf8'))))
}
