/** What authentication costs a Fastify route: see README.md. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { machine } from './machine.js'
import { readOptions, USAGE } from './options.js'
import { measureOverHttp } from './over-http.js'
import { requireSameVersion } from './rows.js'
import { tables } from './table.js'

const args = process.argv.slice(2)
const options = readOptions(args)
if (options.help) {
  console.log(USAGE)
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
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    quick,
    rounds,
    machine: { ...machine(), pinned },
    rows: Object.fromEntries(rows.map(({ name, label, version }) => [name, { label, version }])),
    cases: Object.fromEntries(cases.map(({ name, kind }) => [name, kind])),
  }
  const { cpu, cores, node } = result.machine
  console.log(`${cpu}, ${cores} cores, Node ${node}; pinned: ${pinned}`)
  console.log(`${rounds} rounds after one that warms up, 50 connections`)
  if (parts.includes('http')) result.http = await measureOverHttp(options)

  const folder = new URL('./results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL('latest.json', folder), `${JSON.stringify(result, null, 2)}\n`)
  console.log(`\n${tables(result)}`)
}
