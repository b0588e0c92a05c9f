/** Reads the CPU time of this process, in microseconds. */
import { readFileSync } from 'node:fs'

/**
 * `total` is the time of all threads, `mainThread` that of the thread that runs JavaScript; the
 * latter is known on Linux only, and otherwise NaN.
 */
export function cpuTime() {
  const { user, system } = process.cpuUsage()
  return { total: user + system, mainThread: mainThreadTime() }
}

function mainThreadTime() {
  try {
    const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(
      ' ',
    )
    return Number(nanoseconds) / 1_000
  } catch {
    return Number.NaN
  }
}
