/** Controls an API in another process, and sends requests to the API. */
import { Client } from './client.js'
import { Worker } from './worker.js'

/** Processes whose API was stopped, by subject. Reused because starting a process is slow. */
const idleWorkers = { ours: [], jose: [] }

export class Api {
  #subject
  #options
  #ownProcess
  #worker
  #port
  #clients = []
  #defaultClient

  constructor(subject, { ownProcess = false, ...options }) {
    this.#subject = subject
    this.#options = options
    this.#ownProcess = ownProcess
    const reused = ownProcess ? undefined : idleWorkers[subject].pop()
    this.#worker = reused ?? new Worker(new URL('./api-process.js', import.meta.url))
  }

  /** Starts the API, or restarts the API with empty caches. */
  async start() {
    this.#closeClients()
    this.#port = await this.#worker.call('open', this.#subject, this.#options)
    this.#defaultClient = this.client()
  }

  /** Sends a request with this token, over as many connections as needed. */
  get = (token) => this.#defaultClient.get(token)

  /** Creates another client, with separate connections. */
  client(maxConnections) {
    const client = new Client(this.#port, maxConnections)
    this.#clients.push(client)
    return client
  }

  advance = (milliseconds) => this.#worker.call('advance', milliseconds)
  status = () => this.#worker.call('status')
  refresh = () => this.#worker.call('refresh')
  measureMemory = () => this.#worker.call('measureMemory')
  memoryGrowth = () => this.#worker.call('memoryGrowth')

  /** Message that the process sent before it exited by itself. */
  get exitMessage() {
    return this.#worker.exitMessage
  }

  /** @param graceful whether the process may be reused. */
  async stop({ graceful = true } = {}) {
    this.#closeClients()
    if (this.#ownProcess || !graceful) return this.#worker.end()
    await this.#worker.call('close')
    idleWorkers[this.#subject].push(this.#worker)
  }

  #closeClients() {
    for (const client of this.#clients.splice(0)) client.close()
  }
}

export async function endIdleProcesses() {
  await Promise.all([...idleWorkers.ours, ...idleWorkers.jose].map((worker) => worker.end()))
}
