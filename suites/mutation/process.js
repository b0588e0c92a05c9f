/** One worker process, replaced when it hangs, uses too much memory, or has unhandled errors. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))
const MAX_MEMORY_BYTES = 700 * 1024 * 1024

export class Worker {
  #child

  /** Returns the result of a test run, or `{ failure: 'timeout' }` after `limit` milliseconds. */
  async run(order, limit) {
    this.#child ??= start()
    const child = this.#child
    const controller = new AbortController()
    const { signal } = controller
    const timer = setTimeout(() => controller.abort(), limit)
    try {
      child.send(order)
      const [result] = await Promise.race([
        once(child, 'message', { signal }),
        once(child, 'exit', { signal }).then(() => [{ failure: 'exit', exited: true }]),
      ])
      if (result.exited || result.untrusted || result.memory > MAX_MEMORY_BYTES) await this.end()
      return result
    } catch {
      await this.end()
      return { failure: 'timeout' }
    } finally {
      clearTimeout(timer)
      controller.abort()
    }
  }

  async end() {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
}

function start() {
  const child = fork(WORKER, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] })
  setPriority(child.pid, 19)
  return child
}
