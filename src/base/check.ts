/** Checks options; errors name the option, the rule and the value found. */
import { isPlainObject, requireKnownKeys } from './plain-object.js'

export { isPlainObject, ownMember, requireKnownKeys } from './plain-object.js'

/** @throws {TypeError} always. */
export function reject(name: string, rule: string): never {
  throw new TypeError(`"${name}" option ${rule}`)
}

/**
 * Returns a copy of the members of an option that is an object.
 *
 * @param rule for {@link reject}, if the option is `true`, a string or an array.
 * @throws {TypeError} if the value is not a plain object, or has unknown members.
 */
export function members<T>(name: string, value: T, known: readonly string[], rule: string): T {
  if (!isPlainObject(value)) reject(name, rule)
  return requireKnownKeys(`"${name}"`, value, known)
}

/** @throws {TypeError} unless the value is a whole number within the bounds. */
export function numberIn(name: string, value: unknown, bounds: Bounds): number {
  return isWholeNumber(value, bounds) ? value : reject(name, describeBounds(bounds))
}

export function booleanOr(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  return typeof value === 'boolean' ? value : reject(name, 'must be true or false')
}

export function functionOrUndefined<T>(name: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === 'function') return value
  return reject(name, 'must be a function')
}

/** Returns one or more non-empty strings, given as a string or an array. */
export function strings(name: string, value: unknown, what: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const isValid = list.length > 0 && list.every((item) => typeof item === 'string' && item !== '')
  return isValid
    ? (list as string[])
    : reject(name, `must be ${what}: a string, or an array of strings`)
}

export interface Bounds {
  readonly minimum: number
  readonly maximum: number
  /** Unit, in the plural. */
  readonly unit: string
}

export function isWholeNumber(value: unknown, { minimum, maximum }: Bounds): value is number {
  return Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum
}

/** Describes bounds in words, for an error message. */
export function describeBounds({ minimum, maximum, unit }: Bounds): string {
  return `must be a whole number of ${unit} from ${minimum} to ${maximum}`
}
