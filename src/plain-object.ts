/**
 * Objects that say what they mean: written as a literal, or without a prototype. A `Map`, a promise
 * or an instance of a class has no members of its own, and would pass for an object that asks for
 * nothing.
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

/** @throws {TypeError} if `value` is no plain object, or has members besides the known ones. */
export function requireKnownKeys(where: string, value: unknown, known: readonly string[]): void {
  if (!isPlainObject(value)) throw new TypeError(`${where} must be an object`)
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown === undefined) return
  throw new TypeError(`"${unknown}" is no option of ${where}; these are: ${known.join(', ')}`)
}
