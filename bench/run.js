/** Measures the cost of authentication for a Fastify route: see README.md. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { comparison } from './comparison.js'
import { importTimes } from './import-time.js'
import { machine } from './machine.js'
import { measureAll } from './measure.js'
import { readOptions, USAGE } from './options.js'
import { requireSameVersion } from './peers.js'
import { LATEST, publish } from './publish.js'
import { tables } from './tables.js'

const args = process.argv.slice(2)
const options = readOptions(args)
// Read before the measurement, which may replace this file.
const old = options.compare && JSON.parse(readFileSync(options.compare, 'utf8'))
if (options.help) {
  console.log(USAGE)
} else if (options.publish) {
  publish(options.from)
} else if (options.from !== undefined) {
  console.log(comparison(old, JSON.parse(readFileSync(options.from, 'utf8'))))
} else {
  const result = await measure()
  if (old !== undefined) console.log(comparison(old, result))
}

async function measure() {
  requireSameVersion('jose')
  requireSameVersion('lru-cache')
  const { cpus, quick, rounds, turns, cases, node } = options
  const pinned =
    cpus === undefined ? 'no' : `servers to CPU ${cpus.server}, client to ${cpus.client}`
  const version =
    node === undefined
      ? process.version
      : execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
  const result = {
    date: new Date().toISOString(),
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    rounds,
    turns,
    machine: { ...machine(), node: version, pinned, load: { before: loadavg()[0] } },
  }
  const { cpu, cores } = result.machine
  console.log(`${cpu}, ${cores} cores, Node ${version}; pinned: ${pinned}`)
  console.log(`${rounds} rounds with ${turns} turns of each server, 50 connections`)
  Object.assign(result, await measureAll(options))
  if (Object.keys(cases).length > 0) {
    result.importTime = await importTimes({ rounds: quick ? 5 : 25, cpu: cpus?.server })
  }
  result.machine.load.after = loadavg()[0]

  mkdirSync(new URL('.', LATEST), { recursive: true })
  writeFileSync(LATEST, `${JSON.stringify(result, null, 2)}\n`)
  console.log(`\n${tables(result)}`)
  return result
}
