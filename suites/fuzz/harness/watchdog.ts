/**
 * Ends the process when a case blocks the event loop for good, such as a regular expression with
 * catastrophic backtracking, and prints the case. It runs in a worker thread because the main thread
 * cannot report it.
 */
import { writeSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** Many times the duration of the slowest case on a loaded machine. */
const TIMEOUT_MS = 120_000

export class Watchdog {
  /** Number of cases started; the worker checks that it changes. */
  readonly #begun = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker

  constructor() {
    const file = new URL(import.meta.url.replace(/main\.js$/, 'harness/watchdog.js'))
    this.#worker = new Worker(file, { workerData: this.#begun })
    this.#worker.unref()
  }

  /** Sets the command to print if one of the following cases does not end. */
  watch(replay: string): void {
    this.#worker.postMessage(replay)
  }

  caseBegins(): void {
    Atomics.add(this.#begun, 0, 1)
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
    const begun = Atomics.load(workerData as Int32Array, 0)
    if (begun === seen) {
      // console.log would need the main thread, which is blocked.
      writeSync(2, `a case does not end; replay: ${replay}\n`)
      process.kill(process.pid, 'SIGKILL')
    }
    seen = begun
  }, TIMEOUT_MS)
}
