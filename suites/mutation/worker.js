/**
 * A process that loads a test file again and again, each time with another mutant switched on. What
 * the file imports from packages stays loaded.
 */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import * as tap from './tap.js'

/** Far more often than any test passes by a mutant: a loop that no longer ends. */
const MOST_HITS = 5_000_000

// Left out of `only`, `all` and `mutant`: every test, until one fails, of the code as it is.
const stryker = {}
globalThis.__stryker__ = stryker
process.setMaxListeners(0)

let current
let loads = 0
process.on('uncaughtException', stray)
process.on('unhandledRejection', stray)

/** What nobody handled may as well be of an earlier run. */
function stray(error) {
  if (current === undefined || current.failure !== undefined) return
  current.stray = true
  tap.fail(current, error)
}

process.on('message', async ({ module, only, all, mutant }) => {
  stryker.activeMutant = mutant
  stryker.hitCount = 0
  stryker.hitLimit = MOST_HITS
  // The instrumented code keeps hold of this object, so it is emptied and not replaced.
  stryker.mutantCoverage ??= { static: {}, perTest: {} }
  const coverage = stryker.mutantCoverage
  coverage.static = {}
  coverage.perTest = {}
  const reached = (index) => {
    stryker.currentTestId = index === undefined ? undefined : `t${index}`
  }
  reached(undefined)
  current = tap.begin({ only: only && new Set(only), all, onTest: reached })
  const begun = tap.now()
  // After a failure its server may wait for ever for a client that gave up.
  const stuck = await Promise.race([
    load(module, current),
    current.failed.then(() => pause(1_000, true, { ref: false })),
  ])
  await turn()
  await turn()
  process.send({
    failure: current.failure ?? (current.failures > 0 ? 'some' : undefined),
    untrusted: stuck === true || current.stray === true,
    tests: current.tests,
    ms: tap.now() - begun,
    memory: process.memoryUsage().rss,
    ...(all && { coverage }),
  })
})

async function load(module, run) {
  try {
    await import(`${pathToFileURL(module).href}?${loads++}`)
    await tap.finish(run)
  } catch (error) {
    tap.fail(run, error)
  }
}

process.on('disconnect', () => process.exit())
