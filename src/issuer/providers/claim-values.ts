/** Reads scope tokens, names and lists from claims. A claim of any other type is ignored. */

import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'

/** A string is space-delimited (RFC 6749 §3.3); the members of an array are never split. */
export function scopeTokens(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((token) => token !== '')
  return names(value)
}

/** Returns the strings of an array. A single string is one name and never split. */
export function names(value: unknown): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  return Array.isArray(value) ? value.filter((member) => typeof member === 'string') : []
}

/** Returns the first of these claims that is a string. */
export function firstString(claims: Claims, ...names: readonly string[]): string | undefined {
  const values = names.map((name) => ownMember(claims, name))
  return values.find((value) => typeof value === 'string')
}
