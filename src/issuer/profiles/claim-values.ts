/** How claims hold scope tokens, names and lists of them. What has another form says nothing. */

export type Claims = Readonly<Record<string, unknown>>

/** A string is space-delimited (RFC 6749 §3.3); the members of an array are never split. */
export function scopeTokens(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((token) => token !== '')
  return names(value)
}

/** The strings of an array; a string that stands alone is one name, whatever is in it. */
export function names(value: unknown): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  return Array.isArray(value) ? value.filter((member) => typeof member === 'string') : []
}

export function firstString(...values: readonly unknown[]): string | undefined {
  return values.find((value) => typeof value === 'string') as string | undefined
}
