/**
 * Runs test files one after another in one process, so that the modules they share are loaded once.
 * The pool sends the name of a file and receives its result; tap writes to standard output.
 *
 * Each file is a subtest of tap's root, and its `t` is that subtest, so that hooks, teardowns,
 * mocks and timeouts end with the file.
 */
import { writeFileSync } from 'node:fs'
import { register } from 'node:module'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { startCoverage } from './coverage.js'

const { TEST_COVERAGE, TEST_REPORT, TEST_TIMEOUT_MS } = process.env
const SUBTEST = Symbol.for('subtest of the test file')

process.setSourceMapsEnabled(true)
register(new URL('../test-loader-hooks.js', import.meta.url), { data: { sharedProcess: true } })
// Imported after the hooks are registered, because they replace a part of tap.
const { default: t } = await import('tap')

const writeCoverage = TEST_COVERAGE === undefined ? undefined : startCoverage(TEST_COVERAGE)
/** Bound early, because a test may replace the global clock. */
const now = performance.now.bind(performance)

// Makes tap add its exit handler before ours. It fails unfinished tests, which our summary
// includes.
t.pipe(process.stdout)
process.on('exit', () => writeFileSync(TEST_REPORT, JSON.stringify(summaryOf(t))))

process.on('message', async ({ file, mocks }) => {
  // The channel keeps the process alive only between files. A test that waits for an event that can
  // no longer occur therefore ends the process, as in a separate process.
  process.channel.unref()
  if (file === undefined) return writeCoverage?.()
  if (mocks) await import('@tapjs/mock/import')
  const result = await run(file)
  process.channel.ref()
  process.send(result)
})
process.on('disconnect', () => process.exit(1))
process.channel.ref()
process.send('ready')

async function run(file) {
  const startedAt = now()
  const promise = t.test(file, { timeout: Number(TEST_TIMEOUT_MS), at: null }, async (t) => {
    globalThis[SUBTEST] = t
    await import(pathToFileURL(file).href)
  })
  // An error outside all files has ended tap's root, so that the file must run in another process.
  const { subtest } = promise
  if (subtest === null) return { file, mustRunElsewhere: true }
  await promise
  const open = process.getActiveResourcesInfo()
  return { file, ...summaryOf(subtest), ms: now() - startedAt, open }
}

function summaryOf({ counts, lists }) {
  const failures = lists.fail.map(({ fullname, diag }) => ({
    name: fullname.replace(/^TAP > /, ''),
    diag: diag ?? {},
  }))
  return { total: counts.total, skip: counts.skip + counts.todo, failures }
}
