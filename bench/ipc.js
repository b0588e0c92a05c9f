/**
 * Questions of the parent and answers of its child, over the channel that Node gives them.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export class Child {
  #process
  #waiting = new Map()
  #questions = 0

  /** @param cpu the CPU that the process and all its threads stay on, if it is given. */
  constructor(name, script, { args = [], nodeArgs = [], cpu, env } = {}) {
    const node = [process.execPath, ...nodeArgs, fileURLToPath(script), ...args]
    const [command, ...rest] = cpu === undefined ? node : ['taskset', '-c', `${cpu}`, ...node]
    this.#process = spawn(command, rest, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    })
    this.#process.on('message', ({ id, answer, error }) => {
      const { resolve, reject } = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) resolve(answer)
      else reject(new Error(`${name}: ${error}`))
    })
    this.#process.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`${name} ended early, with ${code ?? signal}`))
      }
    })
  }

  ask(question, details = {}) {
    const id = this.#questions++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#process.send({ id, question, details })
    })
  }

  stop() {
    this.#process.kill()
  }
}

/** What a child knows to answer; it ends when its parent does. */
export function answer(answers) {
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ id, question, details }) => {
    try {
      process.send({ id, answer: await answers[question](details) })
    } catch (error) {
      process.send({ id, error: error.stack })
    }
  })
}
