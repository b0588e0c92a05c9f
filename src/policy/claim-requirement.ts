/** Compiles requirements on single claims. */

import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import { elementsOf, requireSynchronous } from '../base/check.js'
import { describeElements } from '../base/describe-value.js'
import { isJsonObject } from '../base/json-object.js'
import { isPlainObject } from '../base/plain-object.js'
import { applicationFailure } from '../errors/application-function.js'
import { suppressRejection } from '../errors/result.js'

/**
 * The required value of a claim, an array of accepted values, or a function that returns `true` to
 * accept the token. A function must not return a promise. If it throws, the response is a 500 with
 * a fixed message, and the log has the thrown value as `cause`; an error of this package is thrown
 * unchanged.
 *
 * @example
 * ```ts
 * const claims = {
 *   tenant: ['acme', 'globex'],
 *   'realm_access.roles': 'admin',
 *   level: (value: unknown) => typeof value === 'number' && value >= 3,
 * }
 * app.get('/admin', { config: { auth: { claims } } }, handler)
 * ```
 */
export type ClaimRequirement =
  | string
  | number
  | boolean
  | readonly (string | number | boolean)[]
  | ((value: unknown, claims: AccessTokenClaims) => boolean)

export interface CompiledClaim {
  readonly name: string
  readonly holds: (claims: AccessTokenClaims) => boolean
}

/** @throws {TypeError} if a requirement is invalid; the message names the claim and the fix. */
export function compileClaims(
  claims: Readonly<Record<string, ClaimRequirement>> | undefined,
): readonly CompiledClaim[] {
  if (claims === undefined) return []
  if (!isPlainObject(claims) || Object.keys(claims).length === 0)
    throw new TypeError('"claims" must be an object with one or more members, named as the claims')
  return Object.entries(claims).map(([name, required]) => {
    const accepts = compileValue(name, required)
    return { name, holds: (claims) => accepts(claimAt(claims, name), claims) }
  })
}

function compileValue(
  name: string,
  required: unknown,
): (value: unknown, claims: AccessTokenClaims) => boolean {
  if (typeof required === 'function') {
    requireSynchronous(`"claims" for "${name}"`, required)
    return (value, claims) => {
      try {
        return suppressRejection(required(value, claims)) === true
      } catch (thrown) {
        throw applicationFailure('claims', thrown)
      }
    }
  }
  const values = elementsOf(required) ?? [required]
  if (values.length === 0 || !values.every(isValue)) {
    throw new TypeError(
      `"claims" has an invalid value for "${name}", ${describeElements(required, isValue)}: use a ` +
        'string, a number (an integer up to 2^53 - 1), a boolean, a non-empty array of these, or a ' +
        'function. For a claim in an object, use a dotted path, such as "realm_access.roles"',
    )
  }
  const accepted = new Set<unknown>(values)
  return (value) =>
    Array.isArray(value) ? value.some((item) => accepted.has(item)) : accepted.has(value)
}

function isValue(value: unknown): boolean {
  if (typeof value === 'string' || typeof value === 'boolean') return true
  // JSON.parse can map different integers outside the safe range to the same number.
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value)
}

/**
 * Returns the claim at a dotted path; `undefined` if it is absent. Only own members are claims:
 * `constructor`, for example, is inherited. A claim name may contain dots
 * (`https://api.example/roles`), so the longest name that exists takes precedence.
 */
export function claimAt(claims: unknown, path: string): unknown {
  if (!isJsonObject(claims)) return undefined
  if (Object.hasOwn(claims, path)) return claims[path]
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot)
    if (Object.hasOwn(claims, name)) return claimAt(claims[name], path.slice(dot + 1))
  }
  return undefined
}
