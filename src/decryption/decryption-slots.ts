/**
 * Limits how many decryptions are in flight and how many are queued. Untrusted callers can cause
 * decryptions, which need more CPU time than any other check of a token.
 */
import { availableParallelism } from 'node:os'

/**
 * Time that the last decryption in a full queue waits, in milliseconds, unless the bounds of the
 * length of the queue are reached.
 */
const MAX_WAIT_MS = 1_000
/**
 * Bounds of the length of the queue. 1,000 tokens are the callers of a busy API after a restart,
 * when no token is cached; they take about 0.5 s with an RSA key of 2,048 bits.
 */
const [MIN_QUEUED, MAX_QUEUED] = [200, 1_000]
/** Weight of the latest decryption in the average duration. */
const LATEST_WEIGHT = 0.05
/**
 * Multiple of the average above which a duration counts only as this multiple: the first decryption
 * also starts the thread, and must not shorten the queue of the requests after a restart.
 */
const MAX_MULTIPLE = 4

/**
 * Maximum number of decryptions in flight. Their thread and the thread pool use as many CPUs; one
 * CPU is left for the event loop.
 */
const MAX_IN_FLIGHT = Math.max(1, Math.min(4, availableParallelism() - 1))

export class DecryptionSlots {
  readonly #queue: (() => void)[] = []
  readonly #monotonicNow: () => number
  #inFlight = 0
  #averageMs = 1

  /** @param monotonicNow returns milliseconds. */
  constructor(monotonicNow = () => performance.now()) {
    this.#monotonicNow = monotonicNow
  }

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
    if (this.#queue.length >= this.#maxQueued()) return undefined
    return new Promise<void>((resolve) => this.#queue.push(resolve)).then(() => this.#run(decrypt))
  }

  #maxQueued(): number {
    const withinTime = (MAX_WAIT_MS / this.#averageMs) * MAX_IN_FLIGHT
    return Math.min(MAX_QUEUED, Math.max(MIN_QUEUED, withinTime))
  }

  async #run<T>(decrypt: () => Promise<T>): Promise<T> {
    const startedAt = this.#monotonicNow()
    try {
      return await decrypt()
    } finally {
      const duration = Math.min(this.#monotonicNow() - startedAt, MAX_MULTIPLE * this.#averageMs)
      this.#averageMs += LATEST_WEIGHT * (duration - this.#averageMs)
      const next = this.#queue.shift()
      // A queued decryption takes over the slot.
      if (next === undefined) this.#inFlight--
      else next()
    }
  }
}
