/**
 * Objects that were written as a literal, and how they are read. Only their own members count:
 * another defect of the host application may put members into `Object.prototype` (prototype
 * pollution), and an option, a claim or a header that is absent must stay absent then.
 */
import { unknownName } from './did-you-mean.js'

/**
 * Whether `value` is an object literal, or an object without a prototype. A `Map`, a promise or an
 * instance of a class has no members of its own, and would pass for an object that asks for nothing.
 */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  // Every realm has an Object.prototype of its own: what tells it is that nothing is above it.
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
  )
}

/**
 * Returns a copy of the options that has their own members and inherits nothing, so that it can be
 * destructured with defaults.
 *
 * @throws {TypeError} if `value` is no plain object, or has members besides the known ones.
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
