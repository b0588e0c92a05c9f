/**
 * Remembers which security event tokens were received, because transmitters send a token again if
 * they get no response (RFC 8935 §2.2). A token that was forgotten does no harm: its effect depends
 * only on its claims. So the memory is shorter than the maximum age of tokens, and it does not use
 * `add()` of the store, whose TTL is also the time for which DPoP proofs are rejected after a data
 * loss.
 *
 * A token is identified by its event and subject as well, so that a transmitter that uses a `jti`
 * twice loses no revocation.
 */
import { BoundedCache } from '../base/bounded-cache.js'
import { sha256 } from '../base/thumbprint.js'
import { StoreUnavailableError } from '../errors/errors.js'
import type { Report } from '../observability/reports.js'
import type { Store } from '../stores/store.js'
import type { SecurityEventToken } from './security-event-token.js'

type EventMemory = Pick<Store, 'get' | 'set'>

/** Longer than the time within which transmitters usually repeat a delivery. */
const MEMORY_MS = 3_600_000
const RETRY_AFTER_SECONDS = 1

export interface ReceivedEventsOptions {
  readonly memory: EventMemory
  /** Called for each failed call of the store. Must not throw. */
  readonly onFailure: Report<unknown>
}

type ReceivedToken = Pick<SecurityEventToken, 'id' | 'type' | 'subject'>

export class ReceivedEvents {
  readonly #options: ReceivedEventsOptions

  constructor(options: ReceivedEventsOptions) {
    this.#options = options
  }

  /**
   * Whether the token was received before.
   *
   * @param issuer identifier of the transmitter.
   * @throws {StoreUnavailableError} if the store fails.
   */
  has(issuer: string, token: ReceivedToken): Promise<boolean> {
    const { memory } = this.#options
    return this.#call(async () => typeof (await memory.get(keyOf(issuer, token))) === 'string')
  }

  /** Remembers a token. @throws {StoreUnavailableError} if the store fails. */
  add(issuer: string, token: ReceivedToken): Promise<void> {
    const { memory } = this.#options
    return this.#call(() => memory.set(keyOf(issuer, token), '', MEMORY_MS))
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      this.#options.onFailure(error)
      throw new StoreUnavailableError('the replay store', RETRY_AFTER_SECONDS, error)
    }
  }
}

function keyOf(issuer: string, { id, type, subject }: ReceivedToken): string {
  return `event:${sha256(JSON.stringify([issuer, id, type, subject]))}`
}

/**
 * Returns a memory for an instance without a shared store. Evicts the oldest tokens.
 *
 * @param monotonicNow returns the time of a monotonic clock, in milliseconds.
 */
export function localMemory(max: number, monotonicNow: () => number): EventMemory {
  const expiries = new BoundedCache<string, number>({ max })
  return {
    async get(key) {
      return monotonicNow() < (expiries.get(key) ?? Number.NEGATIVE_INFINITY) ? '' : undefined
    },
    async set(key, _value, ttl) {
      expiries.set(key, monotonicNow() + ttl)
    },
  }
}
