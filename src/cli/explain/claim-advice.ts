/** Advises on a claim of the wrong type. */
import type { Claims } from '../../token/compact-jws.js'
import { jsonTypeName } from '../json-type-name.js'

/**
 * Returns the advice; `undefined` if `expected` does not name a claim that the token has.
 *
 * @param expected the member `expected` of the rejection reason, such as `"exp": a finite number`.
 */
export function malformedClaimAdvice(claims: Claims, expected = ''): string | undefined {
  const [, name, wanted] = /^"([^"]+)": (.+)$/.exec(expected) ?? []
  if (name === undefined || !Object.hasOwn(claims, name)) return undefined
  const value = claims[name]
  const remedy =
    value === null
      ? 'omit a claim without a value'
      : `write it as a JSON ${wanted?.split(' ').at(-1)}`
  return `"${name}" is ${jsonTypeName(value)}, and must be ${wanted} (RFC 7519 §4.1): have the issuer ${remedy}.`
}
