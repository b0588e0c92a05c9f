/** Measures the cost of authentication for a Fastify route: see README.md. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cases as allCases } from './cases.js'
import { measureInProcess } from './in-process.js'
import { machine } from './machine.js'
import { readOptions, USAGE } from './options.js'
import { measureOverHttp } from './over-http.js'
import { LATEST, publish } from './publish.js'
import { rows as allRows, requireSameVersion } from './rows.js'
import { tables } from './tables.js'

const args = process.argv.slice(2)
const options = readOptions(args)
if (options.help) {
  console.log(USAGE)
} else if (options.publish) {
  publish()
} else {
  await measure()
}

async function measure() {
  requireSameVersion('jose')
  requireSameVersion('lru-cache')
  const { cpus, quick, rounds, rows, cases, parts } = options
  const pinned =
    cpus === undefined ? 'no' : `servers to CPU ${cpus.server}, client to ${cpus.client}`
  const result = {
    date: new Date().toISOString(),
    // Only a full result may be published.
    full:
      !quick &&
      rounds >= 5 &&
      rows.length === allRows.length &&
      cases.length === allCases.length &&
      parts.length === 2,
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    rounds,
    machine: { ...machine(), pinned },
    rows: Object.fromEntries(rows.map(({ name, label }) => [name, label])),
    cases: Object.fromEntries(cases.map(({ name, kind }) => [name, kind])),
  }
  const { cpu, cores, node } = result.machine
  console.log(`${cpu}, ${cores} cores, Node ${node}; pinned: ${pinned}`)
  console.log(`${rounds} rounds after a warm-up round, 50 connections`)
  if (parts.includes('http')) result.http = await measureOverHttp(options)
  if (parts.includes('in-process')) result.inProcess = await measureInProcess(options)

  mkdirSync(new URL('.', LATEST), { recursive: true })
  writeFileSync(LATEST, `${JSON.stringify(result, null, 2)}\n`)
  console.log(`\n${tables(result)}`)
}
