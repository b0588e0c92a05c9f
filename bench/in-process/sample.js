/** Measures operations in rounds, so that a disturbance of the machine affects all of them. */
import { rotate, summary } from '../statistics.js'

const WARM_UP_ROUNDS = 4

/**
 * @param subjects by name. `run` executes all operations once and returns their number; it receives
 *   the result of the optional `prepare`, which is not measured.
 * @returns the wall-clock and CPU time per operation of each subject, in microseconds. The first
 *   rounds are discarded as warm-up.
 */
export async function sample(subjects, rounds) {
  const names = Object.keys(subjects)
  const times = Object.fromEntries(names.map((name) => [name, { wall: [], cpu: [] }]))
  for (let round = 0; round < rounds + WARM_UP_ROUNDS; round++) {
    for (const name of rotate(names, round)) {
      const input = await subjects[name].prepare?.()
      const cpuBefore = process.cpuUsage()
      const before = performance.now()
      const count = await subjects[name].run(input)
      const wall = (performance.now() - before) * 1000
      const { user, system } = process.cpuUsage(cpuBefore)
      if (round < WARM_UP_ROUNDS) continue
      times[name].wall.push(wall / count)
      times[name].cpu.push((user + system) / count)
    }
  }
  return Object.fromEntries(
    names.map((name) => [name, { wall: summary(times[name].wall), cpu: summary(times[name].cpu) }]),
  )
}
