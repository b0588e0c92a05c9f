/**
 * Compiles the required scope of a route or a call, which a function may decide for each request.
 */
import type { AccessToken } from '../access-token/access-token.js'
import { applicationFailure } from '../errors/application-function.js'
import { InsufficientScopeError } from '../errors/errors.js'
import type { RejectionReason } from '../errors/rejection-reason.js'
import { suppressRejection } from '../errors/result.js'
import { isScopeToken } from '../errors/www-authenticate.js'

/**
 * Scope tokens that must all be granted: a space-delimited string, a non-empty array, or a function
 * that returns one of them. RFC 6749 §3.3.
 */
export type ScopeRequirement<Context> =
  | string
  | readonly string[]
  | ((context: Context) => string | readonly string[])

/** Scope tokens of which at least one must be granted: a non-empty array, or a function. */
export type AnyScopeRequirement<Context> =
  | readonly string[]
  | ((context: Context) => readonly string[])

/** A scope requirement: all of `allOf`, and one of `anyOf` unless that is empty. */
export interface RequiredScope {
  readonly allOf: readonly string[]
  readonly anyOf: readonly string[]
  /** Scope for the challenge: space-delimited, empty if none is required. */
  readonly scope: string
}

export interface CompiledScope<Context> {
  /** The part that is required of every request. */
  readonly fixed: RequiredScope
  /** Whether a function decides on more. */
  readonly isDynamic: boolean
  /** @throws if a function throws, or does not return scope tokens. */
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
 * Returns the scope for the challenge of a request without a valid token. If a function fails, the
 * challenge names no scope; the failure is reported once the token is valid.
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

/** Returns why the token lacks the required scope; `undefined` if it has it. */
export function lackOfScope(
  token: AccessToken,
  { allOf, anyOf }: RequiredScope,
): RejectionReason | undefined {
  if (!token.hasScope(...allOf)) return { check: 'scope', expected: allOf.join(' ') }
  if (anyOf.length === 0 || anyOf.some((item) => token.hasScope(item))) return undefined
  return { check: 'scope', expected: anyOf.join(' or ') }
}

/** Returns the error for a token that lacks the scope, which the challenge names. */
export function insufficientScope(scope: string, reason: RejectionReason): InsufficientScopeError {
  return new InsufficientScopeError('The access token lacks the required scope', scope, reason)
}

function requiredScope(allOf: readonly string[], anyOf: readonly string[]): RequiredScope {
  return { allOf, anyOf, scope: [...new Set([...allOf, ...anyOf])].join(' ') }
}

/**
 * Returns the scope tokens that a function of the application requires. A function may return an
 * empty array for an operation that requires no scope.
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
    // An omitted requirement is `undefined`; a function that returns it has failed.
    return scopeTokens(name, (name === 'scope' ? split(required) : required) ?? null)
  } catch (thrown) {
    throw applicationFailure(name, thrown)
  }
}

function split(scope: unknown): unknown {
  return typeof scope === 'string' ? scope.split(' ') : scope
}

/** Checks scope tokens (RFC 6749 §3.3), which are written into a header. */
export function scopeTokens(name: string, tokens: unknown): readonly string[] {
  if (tokens === undefined) return []
  const copy: readonly unknown[] = Array.isArray(tokens) ? [...tokens] : []
  if (copy.length > 0 && copy.every(isScopeToken)) return copy as readonly string[]
  throw new TypeError(
    `"${name}" must have one or more scope tokens: printable ASCII without spaces, quotation marks ` +
      `and backslashes${name === 'scope' ? ', in an array or delimited by single spaces' : ''}`,
  )
}
