/**
 * Ends the process when a case holds the event loop for ever, such as a pattern that backtracks:
 * nobody on the main thread could say so any more. Says which case it was.
 */
import { writeSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** Milliseconds, many times what the slowest case takes on a loaded machine. */
const PATIENCE = 120_000

export class Watchdog {
  /** The number of cases begun so far: what moves is alive. */
  readonly #begun = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker

  constructor() {
    const file = new URL(import.meta.url.replace(/run\.js$/, 'stage/watchdog.js'))
    this.#worker = new Worker(file, { workerData: this.#begun })
    this.#worker.unref()
  }

  /** What to say if none of the following cases ends. */
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
      // Not console.log, which is the main thread's to write.
      writeSync(2, `a case does not end, played by: ${replay}\n`)
      process.kill(process.pid, 'SIGKILL')
    }
    seen = begun
  }, PATIENCE)
}
