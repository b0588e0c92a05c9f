/** Copies the last full result, with its tables and chart, into the documentation. */
import { readFileSync, writeFileSync } from 'node:fs'
import { drawChart } from './chart.js'
import { withFigures } from './markdown.js'

export const LATEST = new URL('./results/latest.json', import.meta.url)
const DOCS = new URL('../docs/', import.meta.url)

export function publish() {
  const text = readFileSync(LATEST, 'utf8')
  const result = JSON.parse(text)
  if (!result.full) throw new Error('The last result is incomplete: run the whole benchmark first')
  writeFileSync(new URL('performance.json', DOCS), text)
  writeFileSync(new URL('performance.svg', DOCS), drawChart(result))
  const guide = new URL('performance.md', DOCS)
  writeFileSync(guide, withFigures(readFileSync(guide, 'utf8'), result))
  console.log(`Published the result of ${result.date} in docs/performance.md, .json and .svg`)
}
