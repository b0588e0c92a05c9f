/**
 * Replay cache for single-use ids. Each id is kept until the assertion or proof that carries it
 * expires.
 */
export class UsedIds {
  readonly #until = new Map<string, number>()
  readonly #now: () => number

  /** @param now the clock, in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * Records an id until the time `until`, in seconds since the epoch; returns whether this was its
   * first use.
   */
  use(id: string, until: number): boolean {
    const now = this.#now() / 1000
    for (const [used, end] of this.#until) if (end < now) this.#until.delete(used)
    if (this.#until.has(id)) return false
    this.#until.set(id, until)
    return true
  }
}
