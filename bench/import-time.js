/** Measures the import of this package and of jose, alternately in fresh processes. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { rotate, summary } from './statistics.js'

const SUBJECTS = {
  'fastify-resource-server': new URL('../dist/index.js', import.meta.url).href,
  jose: import.meta.resolve('jose'),
}

/** Returns a summary for each package, in milliseconds. */
export async function importTimes({ rounds, cpu }) {
  console.error('import')
  const names = Object.keys(SUBJECTS)
  const times = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of rotate(names, round)) {
      const milliseconds = await importTime(SUBJECTS[name], cpu)
      // Discards the first round, which fills the file system's cache.
      if (round > 0) times[name].push(milliseconds)
    }
  }
  return Object.fromEntries(names.map((name) => [name, summary(times[name])]))
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
