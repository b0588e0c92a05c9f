/**
 * Reads object literals. Only own members count: a vulnerability of the application may add members
 * to `Object.prototype` (prototype pollution), and an absent option, claim or header must remain
 * absent.
 */
import { unknownName } from './did-you-mean.js'

/**
 * Whether `value` is an object literal, or an object without a prototype. A `Map`, a promise or an
 * instance of a class has no members of its own, and would pass for empty options.
 */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  // Each realm has its own Object.prototype, recognizable because it has no prototype.
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
  )
}

/**
 * Returns a copy of the own members of the options that inherits nothing, so that it can be
 * destructured with defaults.
 *
 * @throws {TypeError} if `value` is not a plain object, or has unknown members.
 */
export function requireKnownKeys<T>(where: string, value: T, known: readonly string[]): T {
  if (!isPlainObject(value)) throw new TypeError(`${where} must be an object`)
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown === undefined) return ownMembers(value)
  throw new TypeError(unknownName(`option % of ${where}`, unknown, known))
}

/** Returns a copy of the own enumerable members that inherits nothing. */
export function ownMembers<T extends object>(object: T): T {
  return Object.assign(Object.create(null), object)
}

/** Returns the value of an own member, such as a claim; `undefined` if the object has none. */
export function ownMember<T extends object, Name extends keyof T & string>(
  object: T,
  name: Name,
): T[Name] | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}
