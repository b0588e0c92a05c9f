/** The words in which a bad option is refused: which one, what it must be, what was found. */
import { isPlainObject, requireKnownKeys } from './plain-object.js'

export { isPlainObject, ownMember, requireKnownKeys } from './plain-object.js'

/** @throws {TypeError} always. */
export function reject(name: string, rule: string): never {
  throw new TypeError(`"${name}" option ${rule}`)
}

/**
 * Returns a copy of the members of an option that is an object.
 *
 * @param rule what it must be instead of `true`, a string or an array, in the words for {@link reject}.
 * @throws {TypeError} if it is no object, or has members besides the known ones.
 */
export function members<T>(name: string, value: T, known: readonly string[], rule: string): T {
  if (!isPlainObject(value)) reject(name, rule)
  return requireKnownKeys(`"${name}"`, value, known)
}

/** @throws {TypeError} unless it is a whole number within the bounds. */
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

/** A string or an array of them, none empty, at least one. */
export function strings(name: string, value: unknown, what: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const good = list.length > 0 && list.every((item) => typeof item === 'string' && item !== '')
  return good ? (list as string[]) : reject(name, `must be ${what}: a string, or an array of them`)
}

export interface Bounds {
  readonly minimum: number
  readonly maximum: number
  /** What is counted. */
  readonly unit: string
}

export function isWholeNumber(value: unknown, { minimum, maximum }: Bounds): value is number {
  return Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum
}

/** As it is told to whoever set it. */
export function describeBounds({ minimum, maximum, unit }: Bounds): string {
  return `must be a whole number of ${unit} from ${minimum} to ${maximum}`
}
