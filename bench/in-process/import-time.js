/** How long an import takes in a fresh process, this package and jose in turns. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { rotate, summary } from '../statistics.js'

const SUBJECTS = {
  'fastify-resource-server': new URL('../../dist/index.js', import.meta.url).href,
  jose: import.meta.resolve('jose'),
}

/** Milliseconds. */
export async function importTimes({ rounds, cpu }) {
  console.error('in process: import')
  const names = Object.keys(SUBJECTS)
  const taken = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of rotate(names, round)) {
      const milliseconds = await importTime(SUBJECTS[name], cpu)
      // The first round fills the file system's cache.
      if (round > 0) taken[name].push(milliseconds)
    }
  }
  return Object.fromEntries(names.map((name) => [name, summary(taken[name])]))
}

async function importTime(url, cpu) {
  const script = `
    const before = performance.now()
    await import(${JSON.stringify(url)})
    console.log(performance.now() - before)`
  const node = [process.execPath, '--input-type=module', '--eval', script]
  const [command, ...args] = cpu === undefined ? node : ['taskset', '-c', `${cpu}`, ...node]
  const { stdout } = await promisify(execFile)(command, args)
  return Number(stdout)
}
