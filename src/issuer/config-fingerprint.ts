/**
 * Fingerprints of the issuer options that the application returns, to detect changes. Data is
 * compared by value; functions, keys and stores are compared by identity.
 */

import { createHash, randomUUID } from 'node:crypto'
import { types } from 'node:util'
import { isPlainObject } from '../base/plain-object.js'

export class ConfigFingerprints {
  readonly #numbers = new WeakMap<object, number>()
  /** Random, so that no returned value can imitate a marker. */
  readonly #marker = randomUUID()
  #next = 0

  /** @throws {TypeError} for an object that contains itself. */
  fingerprint(value: unknown): string {
    const write = (member: unknown) => this.#write(member)
    // Read from the holder: `JSON.stringify` has already applied `toJSON` to the value.
    const text = JSON.stringify({ value }, function (this: Record<string, unknown>, name) {
      return write(this[name])
    })
    // Hashed, because the text may contain a secret.
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
        return { [this.#marker]: this.#identify(member) }
      default:
        // JSON cannot represent undefined, infinities and bigints.
        return { [this.#marker]: `${typeof member} ${String(member)}` }
    }
  }

  #identify(object: object): string {
    // By value: the application may read the same secret again for each resolution.
    if (types.isUint8Array(object)) return `bytes ${Buffer.from(object).toString('base64url')}`
    const number = this.#numbers.get(object) ?? this.#next++
    this.#numbers.set(object, number)
    return `object ${number}`
  }
}
