/**
 * A process that loads a test file repeatedly, each time with another active mutant. Packages that
 * the file imports stay loaded.
 */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import * as tap from './tap.js'

/** Far more than any test executes a mutant; more hits mean an endless loop. */
const MAX_HITS = 5_000_000

// Without `only`, `all` and `mutant`, all tests of the unchanged code run until one fails.
const stryker = {}
globalThis.__stryker__ = stryker
process.setMaxListeners(0)

let current
let loads = 0
process.on('uncaughtException', onUnhandledError)
process.on('unhandledRejection', onUnhandledError)

/** Marks the result as untrusted, because an unhandled error may come from an earlier run. */
function onUnhandledError(error) {
  if (current === undefined || current.failure !== undefined) return
  current.hasUnhandledError = true
  tap.fail(current, error)
}

process.on('message', async ({ module, only, all, mutant }) => {
  stryker.activeMutant = mutant
  stryker.hitCount = 0
  stryker.hitLimit = MAX_HITS
  // The instrumented code keeps a reference to this object, so it is emptied and not replaced.
  stryker.mutantCoverage ??= { static: {}, perTest: {} }
  const coverage = stryker.mutantCoverage
  coverage.static = {}
  coverage.perTest = {}
  const reached = (index) => {
    stryker.currentTestId = index === undefined ? undefined : `t${index}`
  }
  reached(undefined)
  current = tap.begin({ only: only && new Set(only), all, onTest: reached })
  const startedAt = tap.now()
  // After a failure, a server of the test may wait indefinitely for a client that stopped.
  const stuck = await Promise.race([
    load(module, current),
    current.failed.then(() => pause(1_000, true, { ref: false })),
  ])
  await turn()
  await turn()
  process.send({
    failure: current.failure ?? (current.failures > 0 ? 'some' : undefined),
    untrusted: stuck === true || current.hasUnhandledError === true,
    tests: current.tests,
    ms: tap.now() - startedAt,
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
