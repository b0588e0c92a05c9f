/** Describes an invalid value of an option, so that the reader of an error recognizes it. */

/** Maximum length of a string in a description, in characters. */
const MAX_LENGTH = 40

/**
 * Returns the type of the value, and the value if it is a string, number or boolean: `the string
 * "30"`, `an array`, `undefined`. Not for options that may contain a secret.
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
      return Array.isArray(value) ? 'an array' : 'an object'
    default:
      return `a ${typeof value}`
  }
}

/** Returns the text in quotation marks, escaped and cut to 40 characters. */
function quote(text: string): string {
  const cut = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
  return JSON.stringify(cut)
}
