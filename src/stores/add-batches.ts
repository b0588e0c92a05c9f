/**
 * Collects the entries that are added in one turn of the event loop, so that one command can add
 * them all. Under load, most of the cost of a command does not depend on the number of its entries.
 */

/** Entries to add, with the same value and TTL. */
export interface AddBatch {
  readonly keys: readonly string[]
  readonly value: string
  /** In milliseconds. */
  readonly ttl: number
}

/** Whether an entry is new. Its caller gets the error instead, if there is one. */
export type AddResult = boolean | Error

interface OpenBatch extends AddBatch {
  readonly keys: string[]
  readonly callers: Caller[]
}

interface Caller {
  readonly resolve: (isNew: boolean) => void
  readonly reject: (error: unknown) => void
}

/** Limits the time for which one command blocks Redis to a fraction of a millisecond. */
const MAX_ENTRIES = 100

export class AddBatches {
  readonly #addAll: (batch: AddBatch) => Promise<readonly AddResult[]>
  /** The batch of this turn of the event loop, which may still grow. */
  #open: OpenBatch | undefined

  /** @param addAll returns a result for each key. If it rejects, all callers get its error. */
  constructor(addAll: (batch: AddBatch) => Promise<readonly AddResult[]>) {
    this.#addAll = addAll
  }

  add(key: string, value: string, ttl: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const { keys, callers } = this.#batchFor(value, ttl)
      keys.push(key)
      callers.push({ resolve, reject })
    })
  }

  #batchFor(value: string, ttl: number): OpenBatch {
    const open = this.#open
    if (open?.value === value && open.ttl === ttl && open.keys.length < MAX_ENTRIES) return open
    const batch: OpenBatch = { keys: [], value, ttl, callers: [] }
    this.#open = batch
    setImmediate(() => {
      if (this.#open === batch) this.#open = undefined
      this.#send(batch)
    })
    return batch
  }

  async #send(batch: OpenBatch): Promise<void> {
    const { callers } = batch
    try {
      const results = await this.#addAll(batch)
      for (let i = 0; i < callers.length; i++) {
        const result = results[i] as AddResult
        const { resolve, reject } = callers[i] as Caller
        if (typeof result === 'boolean') resolve(result)
        else reject(result)
      }
    } catch (error) {
      for (const { reject } of callers) reject(error)
    }
  }
}
