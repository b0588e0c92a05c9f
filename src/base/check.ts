/** Checks the values of options. Errors name the option and the rule that the value breaks. */
import { types } from 'node:util'
import { describeElements, describeValue } from './describe-value.js'
import { nearest } from './did-you-mean.js'
import { isPlainObject, requireKnownKeys } from './plain-object.js'

export { isPlainObject, ownMember, requireKnownKeys } from './plain-object.js'

/** @throws {TypeError} always; the message is `"<name>" option <rule>`. */
export function reject(name: string, rule: string): never {
  throw new TypeError(`"${name}" option ${rule}`)
}

/**
 * Returns a copy of an option whose value is an object, without inherited members.
 *
 * @param rule the rule in the message if the value is not a plain object.
 * @param equivalents as in {@link requireKnownKeys}.
 * @throws {TypeError} if the value is not a plain object, or has unknown members.
 */
export function members<T>(
  name: string,
  value: T,
  known: readonly string[],
  rule: string,
  equivalents?: ReadonlyMap<string, string>,
): T {
  if (!isPlainObject(value)) reject(name, rule)
  return requireKnownKeys(`"${name}"`, value, known, equivalents)
}

/** Returns the value. @throws {TypeError} unless it is a whole number within the bounds. */
export function numberIn(name: string, value: unknown, bounds: Bounds): number {
  if (isWholeNumber(value, bounds)) return value
  return reject(name, `${describeBounds(bounds)}, not ${describeValue(value)}`)
}

export function booleanOr(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  return reject(name, `must be true or false, not ${describeValue(value)}`)
}

/** Returns the value. @throws {TypeError} unless it is one of the known names. */
export function oneOf<Name extends string>(
  name: string,
  value: unknown,
  known: readonly Name[],
): Name {
  return known.find((one) => one === value) ?? rejectName(name, value, known)
}

/**
 * Rejects a value that is none of the known names; the message suggests one that it resembles.
 *
 * @param otherwise what the value may be instead of a name, for the message.
 * @param synonyms lowercase names that users try first, each with the known name.
 */
export function rejectName(
  name: string,
  value: unknown,
  known: readonly string[],
  otherwise = '',
  synonyms?: ReadonlyMap<string, string>,
): never {
  const meant =
    typeof value === 'string'
      ? (synonyms?.get(value.toLowerCase()) ?? nearest(value, known))
      : undefined
  const hint = meant === undefined ? '' : `. Did you mean "${meant}"?`
  return reject(name, `must be one of ${known.join(', ')}${otherwise}${hint}`)
}

/** @throws {TypeError} if a part of the text is a variable of the application that is not set. */
export function requireSetVariables(name: string, text: string): void {
  const [, unset] = UNSET_VARIABLE.exec(text) ?? []
  if (unset !== undefined) {
    reject(name, `contains "${unset}": a variable from which the code builds it is not set`)
  }
}

/** Matches what a template literal contains for such a variable, such as `https://undefined/`. */
const UNSET_VARIABLE = /(?:^|[/.:])(undefined|null)(?:[/.:]|$)/

export function functionOrUndefined<T>(name: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === 'function') return value
  return reject(name, 'must be a function')
}

/**
 * Rejects an `async` function where a value is expected, because its promise would never be one.
 *
 * @param subject names the function, for the message.
 * @throws {TypeError} if the function is declared `async`. Other functions that return a promise
 *   fail when they are called.
 */
export function requireSynchronous(subject: string, value: unknown): void {
  if (!types.isAsyncFunction(value)) return
  throw new TypeError(
    `${subject} must not be an async function, because its result is used at once: for asynchronous checks of a route, use "authorize"`,
  )
}

/**
 * Returns the elements of an array from the application; `undefined` if the value is not an array.
 * A hole in the array is an element that is `undefined`, which the caller rejects. `every()` and
 * `map()` would skip it.
 */
export function elementsOf(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? Array.from(value) : undefined
}

/**
 * Returns the value as an array of strings.
 *
 * @param what describes the value, for the message.
 * @throws {TypeError} unless the value is a non-empty string or a non-empty array of them.
 */
export function strings(name: string, value: unknown, what: string): readonly string[] {
  const list: readonly unknown[] = elementsOf(value) ?? [value]
  if (list.length > 0 && list.every(isText)) return list as string[]
  return reject(
    name,
    `must be ${what}: a non-empty string, or a non-empty array of such strings, not ${describeElements(value, isText)}`,
  )
}

/** Whether the value is a non-empty string. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

export interface Bounds {
  readonly minimum: number
  readonly maximum: number
  /** Unit of the number, in the plural, for the message. */
  readonly unit: string
}

export function isWholeNumber(value: unknown, { minimum, maximum }: Bounds): value is number {
  return Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum
}

/** Returns the bounds as the rule of an error message: "must be a whole number of …". */
export function describeBounds({ minimum, maximum, unit }: Bounds): string {
  return `must be a whole number of ${unit} from ${minimum} to ${maximum}`
}
