/**
 * A replay cache for the ids of assertions and proofs. It keeps each id for as long as the server
 * would accept the assertion or proof that contains the id.
 */
export class UsedIds {
  readonly #until = new Map<string, number>()
  readonly #now: () => number

  /** @param now returns the current time, in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * Records the use of an id. Returns true for the first use, and false for a replay.
   *
   * @param until the time after which the cache forgets the id, in seconds since the epoch.
   */
  use(id: string, until: number): boolean {
    const now = this.#now() / 1000
    for (const [used, end] of this.#until) if (end < now) this.#until.delete(used)
    if (this.#until.has(id)) return false
    this.#until.set(id, until)
    return true
  }
}
