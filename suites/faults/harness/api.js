/** Controls an API in another process, and sends requests to it. */
import { Client } from './client.js'
import { Worker } from './worker.js'

/** Processes without an API, by subject; reused because starting one is slow. */
const idle = { ours: [], jose: [] }

export class Api {
  #subject
  #options
  #ownProcess
  #worker
  #port
  #clients = []
  #caller

  constructor(subject, { ownProcess = false, ...options }) {
    this.#subject = subject
    this.#options = options
    this.#ownProcess = ownProcess
    const used = ownProcess ? undefined : idle[subject].pop()
    this.#worker = used ?? new Worker(new URL('./api-process.js', import.meta.url))
  }

  /** Starts the API, or restarts it with empty caches. */
  async start() {
    this.#closeClients()
    this.#port = await this.#worker.call('open', this.#subject, this.#options)
    this.#caller = this.client()
  }

  /** Sends a request with this token, over as many connections as needed. */
  get = (token) => this.#caller.get(token)

  /** Creates another client, with separate connections. */
  client(connections) {
    const client = new Client(this.#port, connections)
    this.#clients.push(client)
    return client
  }

  advance = (milliseconds) => this.#worker.call('advance', milliseconds)
  status = () => this.#worker.call('status')
  refresh = () => this.#worker.call('refresh')
  watchMemory = () => this.#worker.call('watchMemory')
  memoryGrown = () => this.#worker.call('memoryGrown')

  /** The message of a process that exited by itself. */
  get exitMessage() {
    return this.#worker.exitMessage
  }

  /** @param graceful whether its process may be used again. */
  async stop({ graceful = true } = {}) {
    this.#closeClients()
    if (this.#ownProcess || !graceful) return this.#worker.end()
    await this.#worker.call('close')
    idle[this.#subject].push(this.#worker)
  }

  #closeClients() {
    for (const client of this.#clients.splice(0)) client.close()
  }
}

export async function endIdleProcesses() {
  await Promise.all([...idle.ours, ...idle.jose].map((worker) => worker.end()))
}
