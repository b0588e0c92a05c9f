/**
 * Resolves the option `scopeImplies`, which states the scope tokens that a broader scope token
 * implies. Scope requirements and `hasScope()` accept implied scope tokens; the `scope` of a token
 * contains only what the issuer granted.
 */
import { isPlainObject, reject } from '../base/check.js'
import { isScopeToken } from '../errors/www-authenticate.js'

/**
 * Scope tokens that a broader scope token implies, transitively: at most 1,000 broader ones,
 * without cycles.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   scopeImplies: { admin: ['orders'], orders: 'orders:read orders:write' },
 * })
 * ```
 */
export type ScopeImplications = Readonly<Record<string, string | readonly string[]>>

const MAX_BROADER = 1_000

export class ScopeHierarchy {
  /** For each implied scope token, the scope tokens that imply it. */
  readonly #impliedBy = new Map<string, readonly string[]>()

  /** @throws {TypeError} if a scope token implies itself, directly or through others. */
  constructor(implications: ReadonlyMap<string, readonly string[]>) {
    const broader = new Map<string, Set<string>>()
    for (const token of implications.keys()) {
      for (const implied of reachableFrom(token, implications)) {
        broader.set(implied, (broader.get(implied) ?? new Set()).add(token))
      }
    }
    for (const [implied, tokens] of broader) this.#impliedBy.set(implied, [...tokens])
  }

  /** Whether a granted scope token implies the required one. */
  isImplied(required: string, granted: ReadonlySet<string>): boolean {
    return this.#impliedBy.get(required)?.some((token) => granted.has(token)) ?? false
  }
}

/**
 * Validates the option `scopeImplies`.
 *
 * @returns `undefined` if the option is not set.
 * @throws {TypeError} if the option is invalid or has a cycle.
 */
export function resolveScopeImplies(option: unknown): ScopeHierarchy | undefined {
  if (option === undefined) return undefined
  const entries = isPlainObject(option) ? Object.entries(option) : undefined
  if (entries === undefined || entries.length > MAX_BROADER) {
    return reject(
      'scopeImplies',
      `must be an object with at most ${MAX_BROADER} scope tokens, each with the scope tokens ` +
        "that it implies, such as { 'orders': ['orders:read'] }",
    )
  }
  const implications = new Map(entries.map(([token, implied]) => [token, tokensOf(token, implied)]))
  return new ScopeHierarchy(implications)
}

function tokensOf(token: string, given: unknown): readonly string[] {
  const implied: unknown = typeof given === 'string' ? given.split(' ') : given
  if (isScopeToken(token) && Array.isArray(implied) && implied.length > 0) {
    const copy: unknown[] = [...implied]
    if (copy.every(isScopeToken)) return copy as string[]
  }
  return reject(
    'scopeImplies',
    `has an invalid entry for ${JSON.stringify(token)}: a scope token is printable ASCII without ` +
      'spaces, quotation marks or backslashes, and implies one or more others, in an array or ' +
      'delimited by single spaces',
  )
}

/**
 * Returns all scope tokens that a scope token implies, directly or through others.
 *
 * @throws {TypeError} if the scope token implies itself.
 */
function reachableFrom(
  token: string,
  implications: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const reached = new Set<string>()
  const pending = [token]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const implied of implications.get(next) ?? []) {
      if (implied === token) {
        reject('scopeImplies', `has a cycle: ${JSON.stringify(token)} implies itself`)
      }
      if (!reached.has(implied)) {
        reached.add(implied)
        pending.push(implied)
      }
    }
  }
  return reached
}
