/** Puts the last full result, and its chart, where the documentation shows them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { drawChart } from './chart.js'
import { withFigures } from './figures.js'

export const LATEST = new URL('./results/latest.json', import.meta.url)
const DOCS = new URL('../docs/', import.meta.url)

export function publish() {
  const text = readFileSync(LATEST, 'utf8')
  const result = JSON.parse(text)
  if (!result.full) throw new Error('the last result is of a part: run all of it first')
  writeFileSync(new URL('performance.json', DOCS), text)
  writeFileSync(new URL('performance.svg', DOCS), drawChart(result))
  const guide = new URL('performance.md', DOCS)
  writeFileSync(guide, withFigures(readFileSync(guide, 'utf8'), result))
  console.log(`published the result of ${result.date} in docs/performance.md, .json and .svg`)
}
