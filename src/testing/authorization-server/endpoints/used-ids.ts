/** Ids that may be used once, each remembered for as long as what carries it could pass. */
export class UsedIds {
  readonly #until = new Map<string, number>()
  readonly #now: () => number

  /** `now` tells milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Uses an id, remembered until a time in seconds; answers whether it was the first use. */
  use(id: string, until: number): boolean {
    const now = this.#now() / 1000
    for (const [used, end] of this.#until) if (end < now) this.#until.delete(used)
    if (this.#until.has(id)) return false
    this.#until.set(id, until)
    return true
  }
}
