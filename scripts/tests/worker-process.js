/** A process that runs test files (worker.js), seen from the runner: whatever ends it is a result. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))
/** Tests leave much behind: with a young generation of the usual size it is collected too often. */
const HEAP = ['--max-semi-space-size=64']
/** For one file. A test that hangs is reported by tap; a blocked event loop is ended a bit later. */
const TIMEOUT_MS = 240_000
const GRACE_MS = 10_000
/** For the process to exit after its last file. */
const EXIT_MS = 15_000

export class WorkerProcess {
  /** Its process has ended, or is about to: give it no more files. */
  unusable = false
  #path
  #child
  #exit
  #results = []

  /**
   * @param path of `.tap`, which receives what tap writes, and of `.stderr`.
   * @param coverage a file for what V8 counted, if wanted.
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
      execArgv: HEAP,
      env: { ...process.env, ...env, ...(coverage && { TEST_COVERAGE: coverage }) },
    })
    closeSync(out)
    closeSync(err)
    this.#exit = once(this.#child, 'exit').then(([code, signal]) => ({ code, signal }))
  }

  /** Returns the result of a file, or `{ refused: true }` if it must run in another process. */
  async run(file, mocks) {
    const begun = performance.now()
    this.#child.send({ file, mocks }, () => {})
    const result = await this.#resultOf(file)
    if (result.file === file) {
      if (!result.refused) this.#results.push(result)
      // A test that timed out may go on and disturb the next ones.
      if (result.refused || result.failures.some(({ diag }) => 'expired' in diag)) {
        this.unusable = true
      }
      return result
    }
    await this.#kill()
    const how = result.expired
      ? `was stopped after ${(TIMEOUT_MS + GRACE_MS) / 1000} s`
      : `ended its process (${causeOf(result)}) before its tests`
    const failure = { name: `${file} ${how}`, diag: { stderr: this.#stderr() } }
    const unfinished = this.#report().failures?.filter(({ name }) => name.startsWith(`${file} >`))
    const failures = [failure, ...(unfinished ?? [])]
    return { file, total: failures.length, skip: 0, failures, ms: performance.now() - begun }
  }

  /** Ends the process. Returns what failed in it outside of its files. */
  async end() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return []
    this.#child.send({}, () => {})
    const failed = this.#results.flatMap(({ failures }) => failures)
    const exit = await within(EXIT_MS, this.#exit)
    if (exit.expired) {
      // After a timeout, the tests that hang keep it alive.
      const isHanging = this.unusable
      await this.#kill()
      if (isHanging) return []
      return [{ name: 'A process did not exit after its tests', diag: { open: this.#leftOpen() } }]
    }
    const names = new Set(failed.map(({ name }) => name))
    const strays = this.#report().failures?.filter(({ name }) => !names.has(name)) ?? []
    if (exit.code === 0 || failed.length + strays.length > 0) return strays
    const files = this.#results.map(({ file }) => file)
    const name = `A process failed (${causeOf(exit)}) after its tests`
    return [{ name, diag: { files, stderr: this.#stderr() } }]
  }

  async #resultOf(file) {
    const given = new AbortController()
    const { signal } = given
    const message = async () => {
      for (;;) {
        const [message] = await once(this.#child, 'message', { signal })
        if (message.file === file) return message
      }
    }
    try {
      return await within(TIMEOUT_MS + GRACE_MS, this.#exit, message())
    } finally {
      given.abort()
    }
  }

  async #kill() {
    this.unusable = true
    this.#child.kill('SIGKILL')
    await this.#exit
  }

  /** Returns, by kind of resource, the first file after which as many were open as in the end. */
  #leftOpen() {
    const last = this.#results.at(-1)?.open ?? []
    return Object.fromEntries(
      [...new Set(last)].map((kind) => {
        const count = (open) => open.filter((one) => one === kind).length
        const fewer = this.#results.findLastIndex(({ open }) => count(open) < count(last))
        return [kind, `since ${this.#results[fewer + 1].file}`]
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
