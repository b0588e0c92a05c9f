/**
 * Ends the process when a case blocks the event loop permanently, such as a regular expression with
 * catastrophic backtracking, and prints the case. The watchdog runs in a worker thread,
 * because the blocked main thread cannot report the case.
 */
import { writeSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** Many times the duration of the slowest case on a loaded machine. */
const TIMEOUT_MS = 120_000

export class Watchdog {
  /** Number of cases started; the worker checks that the number changes. */
  readonly #startedCount = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker

  constructor() {
    const file = new URL(import.meta.url.replace(/main\.js$/, 'harness/watchdog.js'))
    this.#worker = new Worker(file, { workerData: this.#startedCount })
    this.#worker.unref()
  }

  /** Sets the command to print if one of the following cases does not end. */
  watch(replay: string): void {
    this.#worker.postMessage(replay)
  }

  caseBegins(): void {
    Atomics.add(this.#startedCount, 0, 1)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}

if (!isMainThread) {
  let replay = ''
  let seen = -1
  parentPort?.on('message', (text: string) => {
    replay = text
    seen = -1
  })
  setInterval(() => {
    const startedCount = Atomics.load(workerData as Int32Array, 0)
    if (startedCount === seen) {
      // console.log would need the main thread, which is blocked.
      writeSync(2, `a case does not end; replay: ${replay}\n`)
      process.kill(process.pid, 'SIGKILL')
    }
    seen = startedCount
  }, TIMEOUT_MS)
}
