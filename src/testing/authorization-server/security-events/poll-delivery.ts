import type { Socket } from 'node:net'
import type { SignedEvent } from './security-event-tokens.js'

/** Events of a stream that wait for a poll. The oldest events are dropped if there are more. */
const MAX_EVENTS = 1_000

/** What a poll response contains (RFC 8936 §2.3). */
export interface PolledEvents {
  readonly sets: Readonly<Record<string, string>>
  readonly moreAvailable: boolean
}

/** Keeps the events of a stream until its receiver acknowledges them (RFC 8936 §2). */
export class PollDelivery {
  readonly #events = new Map<string, string>()
  readonly #waiting = new Set<() => void>()

  deliver({ id, token }: SignedEvent): void {
    this.#events.set(id, token)
    if (this.#events.size > MAX_EVENTS) {
      const [oldest] = this.#events.keys()
      this.#events.delete(oldest as string)
    }
    this.wake()
  }

  /** Removes events that the receiver acknowledged, or reported as invalid. */
  remove(ids: Iterable<string>): void {
    for (const id of ids) this.#events.delete(id)
  }

  get isEmpty(): boolean {
    return this.#events.size === 0
  }

  take(max: number): PolledEvents {
    const sets = [...this.#events].slice(0, max)
    return { sets: Object.fromEntries(sets), moreAvailable: this.#events.size > sets.length }
  }

  /** Ends all long polls. */
  wake(): void {
    for (const stop of this.#waiting) stop()
  }

  /**
   * Waits for an event, for at most `timeoutMs`. The wait also ends when the connection closes:
   * because the receiver disconnects, or the server is closed.
   */
  wait(timeoutMs: number, connection: Socket): Promise<void> {
    return new Promise((resolve) => {
      const stop = () => {
        clearTimeout(timer)
        connection.off('close', stop)
        this.#waiting.delete(stop)
        resolve()
      }
      const timer = setTimeout(stop, timeoutMs).unref()
      connection.once('close', stop)
      this.#waiting.add(stop)
    })
  }
}
