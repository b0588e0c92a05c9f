/** A scope: a space-delimited string (RFC 6749 §3.3), or an array of scope values. */
export type Scope = string | readonly string[]

// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
const SCOPE_VALUE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Returns the values of a scope in the given order, without duplicates.
 *
 * @param option the name of the option, for the error message.
 * @throws {TypeError} if the scope is neither a string nor an array, or a value is not a
 *   scope-token (RFC 6749 §3.3).
 */
export function scopeValues(option: string, scope: Scope): string[] {
  const values = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : scope
  if (!Array.isArray(values) || !values.every(isScopeValue)) {
    throw new TypeError(
      `"${option}" must be a space-delimited string, or an array of non-empty strings without spaces, of printable ASCII characters except quotation marks and backslashes`,
    )
  }
  return [...new Set(values)]
}

function isScopeValue(value: unknown): value is string {
  return typeof value === 'string' && SCOPE_VALUE.test(value)
}
