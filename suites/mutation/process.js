/** One worker process at a time: ended when it hangs, when it has grown, or when it can't be trusted. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))
const MOST_MEMORY = 700 * 1024 * 1024

export class Worker {
  #child

  /** What came of it, or `{ failure: 'timeout' }` after `limit` milliseconds. */
  async play(order, limit) {
    this.#child ??= start()
    const child = this.#child
    const given = new AbortController()
    const timer = setTimeout(() => given.abort(), limit)
    try {
      child.send(order)
      const [answer] = await Promise.race([
        once(child, 'message', { signal: given.signal }),
        once(child, 'exit', { signal: given.signal }).then(() => [{ failure: 'exit', over: true }]),
      ])
      if (answer.over || answer.untrusted || answer.memory > MOST_MEMORY) await this.end()
      return answer
    } catch {
      await this.end()
      return { failure: 'timeout' }
    } finally {
      clearTimeout(timer)
      given.abort()
    }
  }

  async end() {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
}

function start() {
  const child = fork(WORKER, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] })
  setPriority(child.pid, 19)
  return child
}
