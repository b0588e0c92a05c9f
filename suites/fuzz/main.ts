/** The fuzzer's command line: runs the targets and prints a summary of each. See docs/evidence/fuzzing.md. */
import { type Result, runTarget } from './harness/run-target.js'
import { readSettings, type Settings } from './harness/settings.js'
import { Watchdog } from './harness/watchdog.js'
import type { Target } from './target.js'
import { TARGETS } from './targets.js'

/** Cases of a target in a short run, however small its share. */
const MIN_CASES = 50

const settings = settingsOrExit()
const chosen = TARGETS.filter(({ name }) => isChosen(name))
console.log(`seed ${settings.seed}, Node ${process.version}`)

const watchdog = new Watchdog()
const began = performance.now()
for (const target of chosen) {
  const cases = casesOf(target)
  const result = await runTarget(target, { ...settings, cases }, watchdog)
  report(target, result)
  if (result.failure !== undefined) {
    console.error(`\n${target.name}: ${result.failure}`)
    process.exitCode = 1
  }
}
console.log(`${((performance.now() - began) / 1_000).toFixed(0)} s in total`)
await watchdog.close()

function settingsOrExit(): Settings {
  try {
    return readSettings(
      process.argv.slice(2),
      TARGETS.map(({ name }) => name),
    )
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}

function isChosen(name: string): boolean {
  return settings.only.length === 0 || settings.only.includes(name)
}

function casesOf({ share }: Target): number {
  const { cases, only } = settings
  return only.length > 0 ? cases : Math.max(Math.ceil(cases * share), Math.min(cases, MIN_CASES))
}

function report({ name }: Target, result: Result): void {
  const { cases, seconds, slowest, mostCalls, growth, outcomes } = result
  const counts = [...outcomes]
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, n]) => `${outcome} ${n}`)
  const numbers = [
    `${cases} cases in ${seconds.toFixed(1)} s`,
    `slowest ${slowest.toFixed(0)} ms of CPU time`,
    `at most ${mostCalls} costly calls a case`,
    `heap ${(growth / 2 ** 20).toFixed(1)} MiB`,
  ]
  console.log(`${name}: ${numbers.join(', ')}\n  ${counts.join(', ')}`)
}
