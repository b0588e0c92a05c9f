/**
 * Computes fingerprints of the issuer options that the application returns, to detect changes. A
 * fingerprint represents data by value, and functions, keys and stores by identity.
 */

import { randomUUID } from 'node:crypto'
import { types } from 'node:util'
import { isPlainObject } from '../base/plain-object.js'
import { sha256 } from '../base/thumbprint.js'

export class ConfigFingerprints {
  readonly #numbers = new WeakMap<object, number>()
  /** Random, so that no value that the application returns can contain the marker. */
  readonly #marker = randomUUID()
  #next = 0

  /**
   * Returns the fingerprint of a value.
   *
   * @throws {TypeError} if an object contains itself.
   */
  fingerprint(value: unknown): string {
    const write = (member: unknown) => this.#write(member)
    // Reads the member from its holder, because `JSON.stringify` applies `toJSON` before this call.
    const text = JSON.stringify({ value }, function (this: Record<string, unknown>, name) {
      return write(this[name])
    })
    // Hashes the text, because it may contain a secret.
    return sha256(text)
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
        // Written as text, because JSON cannot represent undefined, NaN, infinities, bigints and
        // symbols.
        return { [this.#marker]: `${typeof member} ${String(member)}` }
    }
  }

  #identify(object: object): string {
    // Bytes count by value, because the application may return a new copy of a secret each time.
    if (types.isUint8Array(object)) return `bytes ${Buffer.from(object).toString('base64url')}`
    const number = this.#numbers.get(object) ?? this.#next++
    this.#numbers.set(object, number)
    return `object ${number}`
  }
}
