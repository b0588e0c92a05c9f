import { BoundedCache } from '../base/bounded-cache.js'

const MAX_ENTRIES = 1_000
/** Callers choose the `kid`: a longer one isn't worth its memory, and is asked for again. */
const MAX_LENGTH = 256

/**
 * The `kid`s, and `undefined` for tokens without one, that the issuer's newest key set had no key
 * for. Bounded in number and size.
 */
export class AbsentKids {
  readonly #until = new BoundedCache<string, number>({ max: MAX_ENTRIES })

  has(kid: string | undefined, now: number): boolean {
    return now < (this.#until.get(nameOf(kid)) ?? Number.NEGATIVE_INFINITY)
  }

  add(kid: string | undefined, until: number): void {
    if (kid === undefined || kid.length <= MAX_LENGTH) this.#until.set(nameOf(kid), until)
  }

  clear(): void {
    this.#until.clear()
  }
}

/** Of no `kid`, a name that no `kid` has. */
function nameOf(kid: string | undefined): string {
  return kid === undefined ? 'none' : `=${kid}`
}
