/**
 * Whether two answers of the application say the same: by the hash of a text in which data stands as it
 * is, and a function, a key or a store under a number of its own.
 */

import { createHash, randomUUID } from 'node:crypto'
import { types } from 'node:util'
import { isPlainObject } from '../base/plain-object.js'

export class Identities {
  readonly #numbers = new WeakMap<object, number>()
  /** What no answer can hold by chance or on purpose. */
  readonly #mark = randomUUID()
  #next = 0

  /** @throws {TypeError} for an object that contains itself. */
  of(value: unknown): string {
    const write = (member: unknown) => this.#write(member)
    // By its holder, because JSON has let `toJSON` speak for the member by now.
    const text = JSON.stringify({ value }, function (this: Record<string, unknown>, name) {
      return write(this[name])
    })
    // There may be a secret in it.
    return createHash('sha256').update(text).digest('base64url')
  }

  #write(member: unknown): unknown {
    switch (typeof member) {
      case 'string':
      case 'boolean':
        return member
      case 'object':
      case 'function':
        if (member === null || Array.isArray(member) || isPlainObject(member)) return member
        return { [this.#mark]: this.#of(member) }
      default:
        // JSON has no undefined, no infinity and no bigint of its own.
        return { [this.#mark]: `${typeof member} ${String(member)}` }
    }
  }

  #of(object: object): string {
    // A secret: read anew for each answer, it is the same one all the same.
    if (types.isUint8Array(object)) return `bytes ${Buffer.from(object).toString('base64url')}`
    const number = this.#numbers.get(object) ?? this.#next++
    this.#numbers.set(object, number)
    return `object ${number}`
  }
}
