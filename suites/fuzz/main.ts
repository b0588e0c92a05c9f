/** The command: plays the targets in turn, and prints what came of each. See docs/evidence/fuzzing.md. */
import { play, type Result } from './stage/play.js'
import { readSettings, type Settings } from './stage/settings.js'
import { Watchdog } from './stage/watchdog.js'
import type { Target } from './target.js'
import { TARGETS } from './targets.js'

/** However small a target's share of a short run is. */
const FEWEST = 50

const settings = settingsOrEnd()
const chosen = TARGETS.filter(({ name }) => isChosen(name))
console.log(`seed ${settings.seed}, Node ${process.version}`)

const watchdog = new Watchdog()
const began = performance.now()
for (const target of chosen) {
  const cases = casesOf(target)
  const result = await play(target, { ...settings, cases }, watchdog)
  report(target, result)
  if (result.failure !== undefined) {
    console.error(`\n${target.name}: ${result.failure}`)
    process.exitCode = 1
  }
}
console.log(`${((performance.now() - began) / 1_000).toFixed(0)} s in all`)
await watchdog.close()

function settingsOrEnd(): Settings {
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
  return only.length > 0 ? cases : Math.max(Math.ceil(cases * share), Math.min(cases, FEWEST))
}

function report({ name }: Target, { cases, seconds, slowest, growth, outcomes }: Result): void {
  const counts = [...outcomes].sort(([, a], [, b]) => b - a).map(([what, n]) => `${what} ${n}`)
  const numbers = [
    `${cases} cases in ${seconds.toFixed(1)} s`,
    `slowest ${slowest.toFixed(0)} ms of the processor`,
    `heap ${(growth / 2 ** 20).toFixed(1)} MiB`,
  ]
  console.log(`${name}: ${numbers.join(', ')}\n  ${counts.join(', ')}`)
}
