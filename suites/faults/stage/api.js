/** The near end of an API in another process: requests to it, and what it can be told. */
import { Client } from './client.js'
import { Worker } from './worker.js'

/** Processes whose API is closed, by subject: to start one costs more than most cases. */
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

  /** Also once more: the same API, as it is before the first request. */
  async start() {
    this.#closeClients()
    this.#port = await this.#worker.call('open', this.#subject, this.#options)
    this.#caller = this.client()
  }

  /** A request with this token, from a caller with as many connections as it needs. */
  get = (token) => this.#caller.get(token)

  /** Another caller, with connections of its own. */
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

  /** Of a process that ended itself. */
  get lastWords() {
    return this.#worker.lastWords
  }

  /** @param inPeace whether its process may be used again. */
  async stop({ inPeace = true } = {}) {
    this.#closeClients()
    if (this.#ownProcess || !inPeace) return this.#worker.end()
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
