/** A child process that is controlled by messages. */
import { fork } from 'node:child_process'
import { once } from 'node:events'

export class Worker {
  #child
  #waiting = new Map()
  #calls = 0
  /** The message that the process sent before it exited by itself. */
  exitMessage

  constructor(file) {
    this.#child = fork(file, [], { execArgv: ['--expose-gc'] })
    this.#child.on('message', (message) => this.#onMessage(message))
    this.#child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the process has ended'))
    })
  }

  call(name, ...args) {
    const id = ++this.#calls
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, call: name, args }, (error) => error && reject(error))
    })
  }

  async end() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  #onMessage({ id, result, error, ...words }) {
    if (id === undefined) {
      this.exitMessage = words
      return
    }
    const { resolve, reject } = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) resolve(result)
    else reject(new Error(error))
  }
}
