/** Describes an invalid value of an option, so that the reader of an error recognizes it. */
import { isPlainObject } from './plain-object.js'

/** Maximum length of a string in a description, in characters. */
const MAX_LENGTH = 40

/**
 * Returns the type of the value, and the value if it is a string, number or boolean: `the string
 * "30"`, `an empty array`, `an instance of RegExp`, `undefined`. Not for options that may contain a
 * secret.
 */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return `${value}`
  switch (typeof value) {
    case 'string':
      return `the string ${quote(value)}`
    case 'number':
    case 'boolean':
      return `${value}`
    case 'function':
      return 'a function'
    case 'object':
      return describeObject(value)
    default:
      return `a ${typeof value}`
  }
}

/**
 * Describes an invalid option that should be a valid element or an array of such: its first invalid
 * element, with the index, or the value itself. Not for options that may contain a secret.
 */
export function describeElements(value: unknown, isValid: (element: unknown) => boolean): string {
  const elements: readonly unknown[] = Array.isArray(value) ? Array.from(value) : []
  const index = elements.findIndex((element) => !isValid(element))
  if (index === -1) return describeValue(value)
  return `${describeValue(elements[index])} at index ${index}`
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array'
  if (isPlainObject(value)) return 'an object'
  const { name } = value.constructor ?? {}
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an object'
}

/** Returns the text in quotation marks, escaped and cut to 40 characters. */
function quote(text: string): string {
  const cut = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
  return JSON.stringify(cut)
}
