/** Calls from a parent process to its child process, over Node's IPC channel. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export class Child {
  #process
  #pending = new Map()
  #calls = 0

  /**
   * @param node the executable of Node, by default that of this process.
   * @param cpu the CPU that the process and all its threads are pinned to, if any.
   */
  constructor(name, script, { args = [], nodeArgs = [], node = process.execPath, cpu, env } = {}) {
    const line = [node, ...nodeArgs, fileURLToPath(script), ...args]
    const [command, ...rest] = cpu === undefined ? line : ['taskset', '-c', `${cpu}`, ...line]
    this.#process = spawn(command, rest, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    })
    this.#process.on('message', ({ id, result, error }) => {
      const { resolve, reject } = this.#pending.get(id)
      this.#pending.delete(id)
      if (error === undefined) resolve(result)
      else reject(new Error(`${name}: ${error}`))
    })
    this.#process.on('exit', (code, signal) => {
      for (const { reject } of this.#pending.values()) {
        reject(new Error(`${name} exited before it returned a result (${code ?? signal})`))
      }
    })
  }

  call(method, parameters = {}) {
    const id = this.#calls++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#process.send({ id, method, parameters })
    })
  }

  stop() {
    this.#process.kill()
  }
}

/** Serves the calls of the parent process, and exits when the parent disconnects. */
export function serveCalls(methods) {
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ id, method, parameters }) => {
    try {
      process.send({ id, result: await methods[method](parameters) })
    } catch (error) {
      process.send({ id, error: error.stack })
    }
  })
}
