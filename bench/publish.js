/** Copies a result, with its tables and chart, into the documentation. */
import { readFileSync, writeFileSync } from 'node:fs'
import { drawChart } from './chart.js'
import { withFigures } from './markdown.js'
import { paths } from './paths.js'
import { cases } from './peers.js'

export const LATEST = new URL('./results/latest.json', import.meta.url)
const DOCS = new URL('../docs/', import.meta.url)
const PUBLISHED = new URL('performance.json', DOCS)

/**
 * Publishes the part of the result that is complete, all paths or all cases of the peers, or both.
 * The other part stays as it was published before, with its own date and command.
 */
export function publish(file = LATEST) {
  const result = JSON.parse(readFileSync(file, 'utf8'))
  const { date, command, rounds, turns, machine } = result
  const run = { date, command, rounds, turns, machine }
  const published = JSON.parse(readFileSync(PUBLISHED, 'utf8'))
  const hasPaths = isComplete(paths, { ...result.paths, ...result.skipped })
  const hasPeers = isComplete(cases, result.cases)
  if (!(hasPaths || hasPeers)) {
    throw new Error('The result has neither all paths nor all cases: run the whole benchmark first')
  }
  if (hasPaths) Object.assign(published, run, { paths: result.paths, skipped: result.skipped })
  if (hasPeers) {
    const { cases, memory, importTime } = result
    Object.assign(published, { peersRun: run, cases, memory, importTime })
  }
  writeFileSync(PUBLISHED, `${JSON.stringify(published, null, 2)}\n`)
  writeFileSync(new URL('performance.svg', DOCS), drawChart(published))
  const guide = new URL('performance.md', DOCS)
  writeFileSync(guide, withFigures(readFileSync(guide, 'utf8'), published))
  const parts = [hasPaths && 'paths', hasPeers && 'peers'].filter(Boolean).join(' and ')
  console.log(`Published the ${parts} of ${date} in docs/performance.md, .json and .svg`)
}

function isComplete(table, measured) {
  return Object.keys(table).every((name) => name in measured)
}
