/** The words in which a bad option is refused: which one, what it must be, what was found. */

export { isPlainObject, requireKnownKeys } from '../plain-object.js'

/** @throws {TypeError} always. */
export function reject(name: string, rule: string): never {
  throw new TypeError(`"${name}" option ${rule}`)
}

/** A whole number in `[minimum, maximum]`. */
export function numberIn(
  name: string,
  value: unknown,
  { minimum, maximum, unit }: { minimum: number; maximum: number; unit: string },
): number {
  if (Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum) {
    return value as number
  }
  return reject(name, `must be a whole number of ${unit} from ${minimum} to ${maximum}`)
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
