/** Controls a child process by messages. */
import { fork } from 'node:child_process'
import { once } from 'node:events'

export class Worker {
  #child
  #pending = new Map()
  #callCount = 0
  /** Message that the process sent before it exited by itself. */
  exitMessage

  constructor(file) {
    this.#child = fork(file, [], { execArgv: ['--expose-gc'] })
    this.#child.on('message', (message) => this.#onMessage(message))
    this.#child.on('exit', () => {
      for (const { reject } of this.#pending.values()) reject(new Error('the process exited'))
    })
  }

  call(name, ...args) {
    const id = ++this.#callCount
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#child.send({ id, call: name, args }, (error) => error && reject(error))
    })
  }

  async end() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  #onMessage({ id, result, error, ...message }) {
    if (id === undefined) {
      this.exitMessage = message
      return
    }
    const { resolve, reject } = this.#pending.get(id)
    this.#pending.delete(id)
    if (error === undefined) resolve(result)
    else reject(new Error(error))
  }
}
