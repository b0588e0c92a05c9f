import { LRUCache } from 'lru-cache'

const MAX_ENTRIES = 1_000
/** A `kid` is a stranger's input: a longer one isn't worth its memory, and is asked for again. */
const MAX_LENGTH = 256

/** The `kid`s that the issuer didn't know when it was last asked. Bounded in number and size. */
export class AbsentKids {
  readonly #until = new LRUCache<string, number>({ max: MAX_ENTRIES })

  has(kid: string, now: number): boolean {
    return now < (this.#until.get(kid) ?? Number.NEGATIVE_INFINITY)
  }

  add(kid: string, until: number): void {
    if (kid.length <= MAX_LENGTH) this.#until.set(kid, until)
  }

  clear(): void {
    this.#until.clear()
  }
}
