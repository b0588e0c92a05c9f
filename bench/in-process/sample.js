/** Microseconds of an operation, in rounds over all that are compared. */
import { rotate, summary } from '../statistics.js'

const WARM_UP = 4

/**
 * @param subjects functions that do all of their operations once and return how many there were.
 * @returns for each subject wall-clock and CPU time per operation; the first rounds warm up.
 */
export async function sample(subjects, rounds) {
  const names = Object.keys(subjects)
  const taken = Object.fromEntries(names.map((name) => [name, { wall: [], cpu: [] }]))
  for (let round = 0; round < rounds + WARM_UP; round++) {
    for (const name of rotate(names, round)) {
      const operations = await subjects[name].prepare?.()
      const cpuBefore = process.cpuUsage()
      const before = performance.now()
      const count = await subjects[name].run(operations)
      const wall = (performance.now() - before) * 1000
      const { user, system } = process.cpuUsage(cpuBefore)
      if (round < WARM_UP) continue
      taken[name].wall.push(wall / count)
      taken[name].cpu.push((user + system) / count)
    }
  }
  return Object.fromEntries(
    names.map((name) => [name, { wall: summary(taken[name].wall), cpu: summary(taken[name].cpu) }]),
  )
}
