/**
 * The runner's handle of a process that runs test files (worker.js). Every way in which the process
 * exits is a result.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))
/**
 * Tests create much garbage, and V8 would collect a young generation of the default size too often.
 */
const HEAP_OPTIONS = ['--max-semi-space-size=64']
/** A thread that the code starts imports TypeScript only with an option of the process. */
const LOADER = `--import=${new URL('../test-loader.js', import.meta.url)}`
/**
 * For one file. tap reports a test that hangs; the runner kills a blocked process GRACE_MS later.
 */
const TIMEOUT_MS = 240_000
const GRACE_MS = 10_000
/** For the exit of the process after its last file. */
const EXIT_TIMEOUT_MS = 15_000

export class WorkerProcess {
  /** Whether the process has exited or must exit: do not run more files in it. */
  unusable = false
  #path
  #child
  #exit
  #results = []

  /**
   * @param path without extension: the TAP output goes to `.tap`, standard error to `.stderr`.
   * @param coverage the file to write V8 coverage to, if any.
   */
  constructor(path, coverage) {
    this.#path = path
    const [out, err] = [openSync(`${path}.tap`, 'w'), openSync(`${path}.stderr`, 'w')]
    const report = `${path}.json`
    rmSync(report, { force: true })
    const env = {
      TAP: '1',
      TAP_TIMEOUT: '0',
      TEST_TIMEOUT_MS: `${TIMEOUT_MS}`,
      TEST_REPORT: report,
    }
    this.#child = fork(WORKER, {
      stdio: ['ignore', out, err, 'ipc'],
      execArgv: [...HEAP_OPTIONS, LOADER],
      env: { ...process.env, ...env, ...(coverage && { TEST_COVERAGE: coverage }) },
    })
    closeSync(out)
    closeSync(err)
    this.#exit = once(this.#child, 'exit').then(([code, signal]) => ({ code, signal }))
  }

  /**
   * Returns the result of a file, or `{ mustRunElsewhere: true }` if it must run in another
   * process.
   */
  async run(file, mocks) {
    const startedAt = performance.now()
    this.#child.send({ file, mocks }, () => {})
    const result = await this.#resultOf(file)
    if (result.file === file) {
      if (!result.mustRunElsewhere) this.#results.push(result)
      // A test that timed out may continue to run and disturb the next tests.
      if (result.mustRunElsewhere || result.failures.some(({ diag }) => 'expired' in diag)) {
        this.unusable = true
      }
      return result
    }
    await this.#kill()
    const event = result.expired
      ? `was killed after ${(TIMEOUT_MS + GRACE_MS) / 1000} s`
      : `exited (${causeOf(result)}) before its tests finished`
    const failure = { name: `${file} ${event}`, diag: { stderr: this.#stderr() } }
    const unfinished = this.#report().failures?.filter(({ name }) => name.startsWith(`${file} >`))
    const failures = [failure, ...(unfinished ?? [])]
    return { file, total: failures.length, skip: 0, failures, ms: performance.now() - startedAt }
  }

  /** Ends the process. Returns its failures outside all files. */
  async end() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return []
    this.#child.send({}, () => {})
    const failed = this.#results.flatMap(({ failures }) => failures)
    const exit = await within(EXIT_TIMEOUT_MS, this.#exit)
    if (exit.expired) {
      // After a timeout, tests that hang keep the process alive.
      const isHanging = this.unusable
      await this.#kill()
      if (isHanging) return []
      return [
        { name: 'A process did not exit after its tests', diag: { open: this.#openResources() } },
      ]
    }
    const names = new Set(failed.map(({ name }) => name))
    const outsideFiles = this.#report().failures?.filter(({ name }) => !names.has(name)) ?? []
    if (exit.code === 0 || failed.length + outsideFiles.length > 0) return outsideFiles
    const files = this.#results.map(({ file }) => file)
    const name = `A process failed (${causeOf(exit)}) after its tests`
    return [{ name, diag: { files, stderr: this.#stderr() } }]
  }

  async #resultOf(file) {
    const controller = new AbortController()
    const { signal } = controller
    const message = async () => {
      for (;;) {
        const [message] = await once(this.#child, 'message', { signal })
        if (message.file === file) return message
      }
    }
    try {
      return await within(TIMEOUT_MS + GRACE_MS, this.#exit, message())
    } finally {
      controller.abort()
    }
  }

  async #kill() {
    this.unusable = true
    this.#child.kill('SIGKILL')
    await this.#exit
  }

  /** Returns, by resource type, the first file since which as many have been open as at the end. */
  #openResources() {
    const last = this.#results.at(-1)?.open ?? []
    return Object.fromEntries(
      [...new Set(last)].map((type) => {
        const count = (open) => open.filter((resource) => resource === type).length
        const fewer = this.#results.findLastIndex(({ open }) => count(open) < count(last))
        return [type, `since ${this.#results[fewer + 1].file}`]
      }),
    )
  }

  #report() {
    try {
      return JSON.parse(readFileSync(`${this.#path}.json`, 'utf8'))
    } catch {
      return {}
    }
  }

  #stderr() {
    return readFileSync(`${this.#path}.stderr`, 'utf8').slice(-2_000)
  }
}

function causeOf({ code, signal }) {
  return signal ?? `exit code ${code}`
}

async function within(ms, ...promises) {
  const timer = new AbortController()
  const expiry = pause(ms, { expired: true }, { signal: timer.signal })
  try {
    return await Promise.race([expiry, ...promises])
  } finally {
    timer.abort()
  }
}
