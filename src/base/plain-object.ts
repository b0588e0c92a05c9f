/**
 * Reads options, claims and other members of objects. Only own members count: even if an attacker
 * adds members to `Object.prototype` through a vulnerability of the application (prototype
 * pollution), an absent option, claim or header must remain absent.
 */
import { unknownName } from './did-you-mean.js'

/**
 * Whether `value` is an object literal, or an object without a prototype. False for a `Map`, a
 * promise and other instances of classes: such an instance without own members would pass for empty
 * options.
 */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  // Each realm has its own Object.prototype. Unlike other prototypes, it has no prototype itself.
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
  )
}

/**
 * Returns a copy of the options without a prototype, so that destructuring with defaults ignores
 * inherited members.
 *
 * @param where names the options, for the message.
 * @param equivalents the members to use instead of names that other packages have, for the message.
 * @throws {TypeError} if `value` is not a plain object, or has unknown members.
 */
export function requireKnownKeys<T>(
  where: string,
  value: T,
  known: readonly string[],
  equivalents?: ReadonlyMap<string, string>,
): T {
  if (!isPlainObject(value)) {
    const subject = where.endsWith('()') ? `The argument of ${where}` : where
    throw new TypeError(`${subject} must be a plain object`)
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown === undefined) return ownMembers(value)
  const equivalent = equivalents?.get(unknown)
  throw new TypeError(unknownName(`option % of ${where}`, unknown, known, equivalent))
}

/** Returns a copy with the own enumerable members and without a prototype. */
export function ownMembers<T extends object>(object: T): T {
  return Object.assign(Object.create(null), object)
}

/** Returns the value of an own member; `undefined` if the object has no own member `name`. */
export function ownMember<T extends object, Name extends keyof T & string>(
  object: T,
  name: Name,
): T[Name] | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}
