/**
 * Compiles the required scope of a route or a call, which a function may decide for each request.
 */

import type { AccessToken } from '../access-token/access-token.js'
import { elementsOf, requireSynchronous } from '../base/check.js'
import { applicationFailure } from '../errors/application-function.js'
import { InsufficientScopeError } from '../errors/errors.js'
import type { RejectionReason } from '../errors/rejection-reason.js'
import { suppressRejection } from '../errors/result.js'
import { isScopeToken } from '../errors/www-authenticate.js'

/**
 * Scope tokens (RFC 6749 §3.3) that must all be granted: a space-delimited string, a non-empty
 * array, or a function that returns a string or an array.
 */
export type ScopeRequirement<Context> =
  | string
  | readonly string[]
  | ((context: Context) => string | readonly string[])

/**
 * Scope tokens (RFC 6749 §3.3) of which at least one must be granted: a non-empty array, or a
 * function that returns such an array.
 */
export type AnyScopeRequirement<Context> =
  | readonly string[]
  | ((context: Context) => readonly string[])

/** The scope that a request requires. */
export interface RequiredScope {
  /** Scope tokens that must all be granted. */
  readonly allOf: readonly string[]
  /** Scope tokens of which at least one must be granted; empty if there is no such requirement. */
  readonly anyOf: readonly string[]
  /** Scope for the challenge, space-delimited; empty if no scope is required. */
  readonly scope: string
}

export interface CompiledScope<Context> {
  /** The scope that every request requires: the part that no function decides. */
  readonly fixed: RequiredScope
  /** Whether a function decides on scope for each request. */
  readonly isDynamic: boolean
  /**
   * Returns the scope that a request requires.
   *
   * @throws {Error} if a function throws, or does not return scope tokens.
   */
  readonly for: (context: Context) => RequiredScope
}

interface ScopeRequirements<Context> {
  readonly scope?: ScopeRequirement<Context>
  readonly anyScope?: AnyScopeRequirement<Context>
}

/** @throws {TypeError} if a requirement is invalid; the message names the member and the fix. */
export function compileScope<Context>({
  scope,
  anyScope,
}: ScopeRequirements<Context>): CompiledScope<Context> {
  requireSynchronous('"scope"', scope)
  requireSynchronous('"anyScope"', anyScope)
  const all = typeof scope === 'function' ? [] : scopeTokens('scope', split(scope))
  const any = typeof anyScope === 'function' ? [] : scopeTokens('anyScope', anyScope)
  const fixed = requiredScope(all, any)
  if (typeof scope !== 'function' && typeof anyScope !== 'function') {
    return { fixed, isDynamic: false, for: () => fixed }
  }
  return {
    fixed,
    isDynamic: true,
    for: (context) =>
      requiredScope(
        typeof scope === 'function' ? decided('scope', scope, context) : all,
        typeof anyScope === 'function' ? decided('anyScope', anyScope, context) : any,
      ),
  }
}

/**
 * Returns the scope for the challenge of a rejected request, space-delimited. Returns an empty
 * string if a function fails: the failure becomes a 500 once a request has a valid token.
 */
export function scopeForChallenge<Context>(
  scope: CompiledScope<Context>,
  context: Context,
): string {
  try {
    return scope.for(context).scope
  } catch {
    return ''
  }
}

/**
 * Returns a rejection reason with the requirement on scope that the token does not meet, `allOf` or
 * `anyOf`; `undefined` if the token meets both.
 */
export function lackOfScope(
  token: AccessToken,
  { allOf, anyOf }: RequiredScope,
): RejectionReason | undefined {
  if (allOf.length > 0 && !token.hasScope(...allOf)) return missingScope(token, allOf.join(' '))
  if (anyOf.length === 0 || anyOf.some((item) => token.hasScope(item))) return undefined
  return missingScope(token, anyOf.join(' or '))
}

function missingScope({ scopeHint }: AccessToken, expected: string): RejectionReason {
  const hint = scopeHint === undefined ? '' : ` (${scopeHint})`
  return { check: 'scope', expected: expected + hint }
}

/** @param scope the required scope, space-delimited, which the challenge names. */
export function insufficientScope(scope: string, reason: RejectionReason): InsufficientScopeError {
  return new InsufficientScopeError('The access token lacks the required scope', scope, reason)
}

function requiredScope(allOf: readonly string[], anyOf: readonly string[]): RequiredScope {
  return { allOf, anyOf, scope: [...new Set([...allOf, ...anyOf])].join(' ') }
}

/**
 * Returns the scope tokens that a function of the application requires. As `scope`, the function
 * may return an empty array, for an operation that requires no scope.
 *
 * @throws {Error} if the function throws, or returns a promise or anything but scope tokens.
 */
function decided<Context>(
  name: 'scope' | 'anyScope',
  decide: (context: Context) => unknown,
  context: Context,
): readonly string[] {
  let required: unknown
  try {
    required = suppressRejection(decide(context))
    if (Array.isArray(required) && required.length === 0 && name === 'scope') return []
    // `scopeTokens` accepts `undefined` as an omitted requirement. A function must not return it.
    return scopeTokens(name, (name === 'scope' ? split(required) : required) ?? null)
  } catch (thrown) {
    throw applicationFailure(name, thrown)
  }
}

function split(scope: unknown): unknown {
  return typeof scope === 'string' ? scope.split(' ') : scope
}

/**
 * Returns a copy of the scope tokens (RFC 6749 §3.3); an empty array for `undefined`. Their syntax
 * is checked because a challenge header contains them.
 *
 * @throws {TypeError} if the array is empty, or if an element is not a scope token.
 */
export function scopeTokens(name: string, tokens: unknown): readonly string[] {
  if (tokens === undefined) return []
  const copy: readonly unknown[] = elementsOf(tokens) ?? []
  if (copy.length > 0 && copy.every(isScopeToken)) return copy as readonly string[]
  throw new TypeError(
    `"${name}" must have one or more scope tokens: printable ASCII without spaces, quotation marks ` +
      `or backslashes${FORMS.get(name) ?? ''}`,
  )
}

/** How the scope tokens are given, for the message. */
const FORMS: ReadonlyMap<string, string> = new Map([
  ['scope', ', in an array or delimited by single spaces'],
  ['requireScope', ', each as an argument'],
])
