/** The option `revocations`. */
import { members, numberIn, reject } from '../base/check.js'
import type { ResolvedStores } from '../stores/options.js'

/**
 * Options for revocations; see `revoke()`.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   revocations: { maxEntries: 10_000 },
 * })
 * ```
 */
export interface RevocationsOptions {
  /**
   * Maximum number of revocations. `revoke()` throws a `RangeError` beyond it, because dropping a
   * revocation would accept a revoked token. About 200 bytes each. Default 100,000; 1 to
   * 10,000,000.
   */
  maxEntries?: number

  /**
   * With `stores.revocations`: how tokens are handled from the start of an instance until it has
   * loaded the revocations. `'reject'`: 503. `'dangerouslyAccept'`: revoked tokens may be accepted
   * until then. Loaded revocations stay in force during later outages. Rejected without
   * `stores.revocations`. Default `'reject'`.
   */
  untilLoaded?: 'reject' | 'dangerouslyAccept'
}

/** {@link RevocationsOptions} checked, with every default filled in. */
export type ResolvedRevocations = Readonly<Required<RevocationsOptions>>

/** @throws {TypeError} that names the option and the fix. */
export function resolveRevocations(
  given: RevocationsOptions = {},
  stores: ResolvedStores,
): ResolvedRevocations {
  const options = members(
    'revocations',
    given,
    ['maxEntries', 'untilLoaded'],
    'must be an object with some of maxEntries and untilLoaded; revoke() works without it',
  )
  const { maxEntries = 100_000, untilLoaded = 'reject' } = options
  if (untilLoaded !== 'reject' && untilLoaded !== 'dangerouslyAccept') {
    return reject('revocations.untilLoaded', "must be 'reject' or 'dangerouslyAccept'")
  }
  if (options.untilLoaded !== undefined && stores.revocations === undefined) {
    return reject('revocations.untilLoaded', 'has no effect without "stores.revocations"')
  }
  return Object.freeze({
    maxEntries: numberIn('revocations.maxEntries', maxEntries, {
      minimum: 1,
      maximum: 10_000_000,
      unit: 'revocations',
    }),
    untilLoaded,
  })
}
