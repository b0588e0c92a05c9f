/** Reads names from claims of any shape. Values of other types are ignored. */

import { isJsonObject } from '../../base/json-object.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'

/**
 * Returns the scope tokens in a space-delimited string (RFC 6749 §3.3) or in an array; an empty
 * array for any other value.
 */
export function scopeTokens(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((token) => token !== '')
  return names(value)
}

/**
 * Returns the strings of an array, or a single non-empty string as one name, without splitting it
 * at spaces; an empty array for any other value.
 */
export function names(value: unknown): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  return Array.isArray(value) ? value.filter((member) => typeof member === 'string') : []
}

/**
 * Returns the names of an object's members whose value is `true` or an object; an empty array for
 * any other value. For example, `{ admin: false }` states that the subject has no role `admin`.
 */
export function memberNames(value: unknown): readonly string[] {
  if (!isJsonObject(value)) return []
  return Object.keys(value).filter((name) => {
    const member = value[name]
    return member === true || (typeof member === 'object' && member !== null)
  })
}

/** Returns a member of a value; `undefined` if the value is no object or lacks the member. */
export function memberOf(value: unknown, name: string): unknown {
  return isJsonObject(value) ? ownMember(value, name) : undefined
}

/**
 * Returns the strings that the elements of an array have as their member `name`; an empty array for
 * any other value.
 */
export function memberOfEach(value: unknown, name: string): readonly string[] {
  const elements: readonly unknown[] = Array.isArray(value) ? value : []
  return names(elements.map((element) => memberOf(element, name)))
}

/** Returns the members of a profile whose tokens have the session ID in the claim at this path. */
export function sessionIn(...path: readonly [string, ...string[]]) {
  return {
    sessionClaim: path,
    sessionId(claims: Claims): string | undefined {
      const id = path.reduce<unknown>(memberOf, claims)
      return typeof id === 'string' ? id : undefined
    },
  }
}

/** Returns the value of the first of these claims that is a string; `undefined` if none is. */
export function firstString(claims: Claims, ...claimNames: readonly string[]): string | undefined {
  const values = claimNames.map((name) => ownMember(claims, name))
  return values.find((value) => typeof value === 'string')
}
