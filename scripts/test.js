/**
 * Runs the tests, many files per process, because starting tap and loading shared modules takes
 * longer than most files. Enforces full coverage of `src`, unless only some of the files run.
 *
 *     npm test                              # everything
 *     npm test -- test/binding              # a folder, or a file
 *     npm test -- --coverage test/binding   # prints the lines that these leave uncovered
 *     npm test -- --jobs=4                  # worker processes; default: number of cores + 2
 *     npm test -- --shuffle                 # in random order; prints the seed
 *     npx tap test/errors/errors.test.ts    # one file, with tap only
 *
 * `tests/pool.js` distributes the files and `tests/worker.js` runs them. `.build/test` contains the
 * TAP output of the last run, one file per worker.
 */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { coverageFileOf, coverageReport, emptyCoverage } from './tests/coverage.js'
import { textOf } from './tests/failures.js'
import { runFiles } from './tests/pool.js'
import { Progress } from './tests/progress.js'
import { WorkerProcess } from './tests/worker-process.js'

const OUTPUT = '.build/test'
const CACHE = 'node_modules/.cache'
const TIMES = `${CACHE}/test-times.json`
const MAX_PRINTED = 10

const { values: options, positionals: paths } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: `${availableParallelism() + 2}` },
    coverage: { type: 'boolean', default: false },
    shuffle: { type: 'boolean', default: false },
    seed: { type: 'string' },
  },
})
const startedAt = performance.now()
const times = timesOfLastRun()
const files = sortFiles(filesIn(paths.length === 0 ? ['test', 'suites'] : paths))
const everything = paths.length === 0
const coverage = everything || options.coverage
/**
 * Excludes files that test no code of `src`, because coverage slows down the compiler and long
 * computations.
 */
const countsCoverage = (file) => options.coverage || !/^(suites|test\/project)\//.test(file)
rmSync(OUTPUT, { recursive: true, force: true })
mkdirSync(OUTPUT, { recursive: true })
if (coverage) emptyCoverage()

const progress = new Progress(files.length)
let [workers, finished, assertions, skipped, failed] = [0, 0, 0, 0, 0]
const groups = [
  { files: files.filter((file) => !countsCoverage(file)), start: () => startWorker(false) },
  { files: files.filter(countsCoverage), start: () => startWorker(coverage) },
].filter(({ files }) => files.length > 0)
await runFiles(groups, {
  jobs: Math.min(Number(options.jobs), files.length),
  onStart: (file) => progress.start(file),
  onResult({ file, total, skip, failures, ms }) {
    if (file !== undefined) {
      finished++
      times[file] = Math.round(ms)
      if (total === 0 && failures.length === 0) {
        failures.push({ name: `${file} has no assertion`, diag: {} })
      }
    }
    assertions += total
    skipped += skip
    progress.end(file, assertions)
    for (const failure of failures) {
      if (++failed <= MAX_PRINTED) progress.print(`${textOf(failure)}\n`)
    }
  },
})
progress.stop()
mkdirSync(CACHE, { recursive: true })
writeFileSync(TIMES, JSON.stringify(times))

if (failed > MAX_PRINTED) console.log(`… and ${failed - MAX_PRINTED} more failures`)
if (failed > 0) console.log(`The TAP output is in ${OUTPUT}/*.tap`)
let complete = true
if (coverage) {
  const report = coverageReport()
  complete = report.complete || !everything
  if (!report.complete) console.log(`Coverage of src is incomplete:\n${report.text}`)
}
if (finished !== files.length) {
  failed++
  console.log(`${files.length - finished} files did not run`)
}
const summary = [
  failed > 0 ? `FAILED: ${failed} of ${assertions} assertions` : `${assertions} assertions pass`,
  skipped > 0 && `${skipped} skipped`,
  `${finished} files in ${workers} processes`,
  everything && (complete ? 'coverage 100 %' : 'COVERAGE INCOMPLETE'),
  `${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
]
console.log(summary.filter(Boolean).join(', '))
process.exitCode = failed === 0 && complete ? 0 : 1

function startWorker(coverage) {
  const id = ++workers
  return new WorkerProcess(`${OUTPUT}/${id}`, coverage ? coverageFileOf(id) : undefined)
}

function filesIn(paths) {
  const files = paths.flatMap((path) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory()
      ? readdirSync(path, { recursive: true, encoding: 'utf8' })
          .filter((file) => file.endsWith('.test.ts') && !/node_modules|\.build/.test(file))
          .map((file) => `${path.replace(/\/+$/, '')}/${file}`)
      : [path],
  )
  const missing = files.length === 0 ? paths : files.filter((file) => !existsSync(file))
  if (missing.length === 0) return files
  console.error(`Test file not found: ${missing.join(', ')}`)
  process.exit(2)
}

/** Sorts the longest files first, so that the processes end at about the same time. */
function sortFiles(files) {
  if (options.shuffle || options.seed !== undefined) return shuffled(files)
  const cost = (file) => times[file] ?? statSync(file).size
  return files.sort((a, b) => cost(b) - cost(a))
}

function shuffled(files) {
  const seed = options.seed ?? `${Date.now() % 1e6}`
  console.log(`Shuffled: repeat this order with --seed=${seed}`)
  const sortKey = (file) => createHash('sha256').update(`${seed} ${file}`).digest('hex')
  return files.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

function timesOfLastRun() {
  return existsSync(TIMES) ? JSON.parse(readFileSync(TIMES, 'utf8')) : {}
}
