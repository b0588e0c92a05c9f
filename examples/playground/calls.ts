/**
 * Records how the API handled its latest requests, for the page that sent them. Do so only in a
 * demonstration: a production API reports this to its operator (`onReject`, the log, diagnostics),
 * never to the caller.
 */
import { onDiagnostics, type ResourceServerError, type Statistics } from 'fastify-resource-server'
import { type SeenToken, type Step, stepsOf } from './steps.js'

const MAX_CALLS = 100

interface Call {
  readonly before: Progress
  error?: ResourceServerError
  token?: SeenToken | null
  after?: Progress
}

/**
 * A snapshot of the counters. The page sends its requests one after the other, so the difference of
 * two snapshots belongs to one request.
 */
interface Progress {
  readonly verifications: number
  readonly fetches: number
}

export class Calls {
  readonly #calls = new Map<string, Call>()
  readonly #statistics: () => Statistics
  #fetches = 0

  /** @param statistics returns the statistics of the API. */
  constructor(statistics: () => Statistics) {
    this.#statistics = statistics
    onDiagnostics('jwks:fetch', ({ outcome }) => {
      if (outcome === 'fetched') this.#fetches++
    })
  }

  /** The number of key sets that the API has fetched. */
  get fetches(): number {
    return this.#fetches
  }

  begin(id: string): void {
    this.#calls.set(id, { before: this.#progress() })
    const [oldest] = this.#calls.keys()
    if (this.#calls.size > MAX_CALLS && oldest !== undefined) this.#calls.delete(oldest)
  }

  reject(id: string, error: ResourceServerError): void {
    const call = this.#calls.get(id)
    if (call !== undefined) call.error = error
  }

  end(id: string, token: SeenToken | null): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    call.token = token
    call.after = this.#progress()
  }

  stepsOf(id: string): readonly Step[] | undefined {
    const { before, after, error, token = null } = this.#calls.get(id) ?? {}
    if (before === undefined || after === undefined) return undefined
    return stepsOf({
      error,
      token,
      fetchedKeys: after.fetches > before.fetches,
      verifiedSignature: after.verifications > before.verifications,
    })
  }

  #progress(): Progress {
    return { verifications: this.#statistics().signatureVerifications, fetches: this.#fetches }
  }
}
