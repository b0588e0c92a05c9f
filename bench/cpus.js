/** Selects the CPUs to pin servers and the client to. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Returns the first two CPUs of this process; `undefined` with fewer CPUs or without `taskset`. */
export function availableCpus() {
  if (spawnSync('taskset', ['--version']).status !== 0) return undefined
  const status = readFileSync('/proc/self/status', 'utf8')
  const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)
  const cpus = list.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
  return cpus.length < 2 ? undefined : { server: cpus[0], client: cpus[1] }
}
