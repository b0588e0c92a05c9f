/** Controls the API process, sends requests to the API, and reads measurements. */
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from '../faults/harness/worker.js'
import { heapOf } from './heap.js'

export class Api {
  #worker
  #agent = new Agent({ keepAlive: true, maxSockets: 50 })
  #folder
  #middleHeap

  /** Starts an API whose cooldown and cache lifetime scale with the length of a minute. */
  static async start(issuer, { scale }) {
    const worker = new Worker(new URL('./api-process.js', import.meta.url))
    const url = await worker.call('open', {
      issuer: issuer.issuer,
      audience: issuer.audience,
      clockTolerance: 2,
      // Fills the cache in the first half of the run, because a filling cache makes the heap grow.
      tokenCache: { maxEntries: 500 },
      jwks: { cooldown: 10_000 * scale, cacheMinAge: 5_000, cacheMaxAge: 20_000 },
      introspection: { ...issuer.client, cacheMaxAge: 20_000 * scale, staleIfError: 120_000 },
      dpop: { mode: 'allowed', maxProofAge: 30 },
    })
    const folder = await mkdtemp(join(tmpdir(), 'soak-'))
    return new Api(worker, url, folder)
  }

  constructor(worker, url, folder) {
    this.#worker = worker
    this.url = url
    this.#folder = folder
  }

  /** Returns the status, or the code of a network error. */
  get(headers, path = '/') {
    return new Promise((resolve) => {
      request(this.url + path, { agent: this.#agent, headers })
        .on('response', (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode))
          response.on('error', (error) => resolve(error.code))
        })
        .on('error', (error) => resolve(error.code))
        .end()
    })
  }

  async recordHeap() {
    this.#middleHeap = await this.#heap('middle')
    return `${(this.#middleHeap.size / 2 ** 20).toFixed(1)} MiB`
  }

  async compareHeaps() {
    return { before: this.#middleHeap, after: await this.#heap('end') }
  }

  eventLoop = () => this.#worker.call('eventLoop')
  statistics = () => this.#worker.call('statistics')

  async end() {
    this.#agent.destroy()
    await this.#worker.end()
    await rm(this.#folder, { recursive: true })
  }

  async #heap(name) {
    const file = join(this.#folder, `${name}.heapsnapshot`)
    await this.#worker.call('snapshot', file)
    return heapOf(file)
  }
}
