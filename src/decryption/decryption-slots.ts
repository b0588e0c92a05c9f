/**
 * Limits how many decryptions are in flight and how many are queued. Untrusted callers can cause
 * decryptions, which need more CPU time than any other check of a token.
 */
import { availableParallelism } from 'node:os'

/**
 * Maximum number of queued decryptions: 0.1 s of work with an RSA key of 2,048 bits, a second with
 * one of 4,096 bits.
 */
const MAX_QUEUED = 200

/**
 * Maximum number of decryptions in flight. They run in the thread pool; one CPU is left for the
 * event loop.
 */
const MAX_IN_FLIGHT = Math.max(1, Math.min(4, availableParallelism() - 1))

export class DecryptionSlots {
  readonly #queue: (() => void)[] = []
  #inFlight = 0

  /**
   * Calls `decrypt` when a slot is free.
   *
   * @returns its promise; `undefined` if the queue is full.
   */
  tryRun<T>(decrypt: () => Promise<T>): Promise<T> | undefined {
    if (this.#inFlight < MAX_IN_FLIGHT) {
      this.#inFlight++
      return this.#run(decrypt)
    }
    if (this.#queue.length >= MAX_QUEUED) return undefined
    return new Promise<void>((resolve) => this.#queue.push(resolve)).then(() => this.#run(decrypt))
  }

  async #run<T>(decrypt: () => Promise<T>): Promise<T> {
    try {
      return await decrypt()
    } finally {
      const next = this.#queue.shift()
      // A queued decryption takes over the slot.
      if (next === undefined) this.#inFlight--
      else next()
    }
  }
}
