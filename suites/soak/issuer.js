/** Controls the process of the authorization server. */
import { Worker } from '../faults/harness/worker.js'

export class Issuer {
  #worker

  static async start() {
    const worker = new Worker(new URL('./issuer-process.js', import.meta.url))
    const identifiers = await worker.call('open')
    return Object.assign(new Issuer(worker), identifiers)
  }

  constructor(worker) {
    this.#worker = worker
  }

  /** Issues a token with the options of `issueToken`. */
  issue = (claims, options = {}) => this.#worker.call('issue', claims, options)
  keySet = () => this.#worker.call('keySet')
  rotate = () => this.#worker.call('rotate')
  fail = (fault) => this.#worker.call('fail', fault)
  recover = () => this.#worker.call('recover')
  /** Returns the number of requests to each endpoint. */
  requests = () => this.#worker.call('requests')
  end = () => this.#worker.end()
}
