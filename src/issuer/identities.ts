/**
 * Whether two answers of the application say the same: by the hash of a text in which data stands as it
 * is, and a function, a key or a store under a number of its own.
 */
import { createHash } from 'node:crypto'
import { isPlainObject } from '../plain-object.js'

export class Identities {
  readonly #numbers = new WeakMap<object, number>()
  #next = 0

  /** @throws {TypeError} for an object that contains itself. */
  of(value: unknown): string {
    const text = JSON.stringify(value, (_name, member: unknown) => {
      if (typeof member === 'bigint') return `${member}n`
      if (member === null || (typeof member !== 'object' && typeof member !== 'function')) {
        return member
      }
      return Array.isArray(member) || isPlainObject(member) ? member : { '#': this.#of(member) }
    })
    // There may be a secret in it.
    return createHash('sha256').update(text).digest('base64url')
  }

  #of(object: object): number {
    const known = this.#numbers.get(object)
    if (known !== undefined) return known
    this.#numbers.set(object, this.#next)
    return this.#next++
  }
}
