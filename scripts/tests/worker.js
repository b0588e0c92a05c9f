/**
 * Runs test files one after another in one process, so that the modules they share are loaded once.
 * The pool sends the name of a file and receives its result; tap writes to standard output.
 *
 * A file is a subtest of tap's root and its `t` is that subtest: hooks, teardowns, mocks and
 * timeouts end with the file.
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
// A process that a test starts with its own execArgv loads TypeScript as well.
process.execArgv.unshift(`--import=${new URL('../test-loader.js', import.meta.url)}`)
// After the hooks, which replace a part of it.
const { default: t } = await import('tap')

const writeCoverage = TEST_COVERAGE === undefined ? undefined : startCoverage(TEST_COVERAGE)
/** A test may replace the global clock. */
const now = performance.now.bind(performance)

// Makes tap add its own handler first, which fails the tests that are unfinished.
t.pipe(process.stdout)
process.on('exit', () => writeFileSync(TEST_REPORT, JSON.stringify(summaryOf(t))))

process.on('message', async ({ file, mocks }) => {
  // While a file runs, and when all have, the channel doesn't keep the process alive: a test that
  // waits for what can no longer happen ends the process, as it would in a process of its own.
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
  const begun = now()
  const promise = t.test(file, { timeout: Number(TEST_TIMEOUT_MS), at: null }, async (t) => {
    globalThis[SUBTEST] = t
    await import(pathToFileURL(file).href)
  })
  // None if an error that belonged to no file has ended tap's root: the file must run elsewhere.
  const { subtest } = promise
  if (subtest === null) return { file, refused: true }
  await promise
  const open = process.getActiveResourcesInfo()
  return { file, ...summaryOf(subtest), ms: now() - begun, open }
}

function summaryOf({ counts, lists }) {
  const failures = lists.fail.map(({ fullname, diag }) => ({
    name: fullname.replace(/^TAP > /, ''),
    diag: diag ?? {},
  }))
  return { total: counts.total, skip: counts.skip + counts.todo, failures }
}
