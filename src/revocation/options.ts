/** Defines and validates the option `revocations`. */
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
   * Maximum number of revocations, of about 70 bytes each. Beyond it, `revoke()` throws a
   * `RangeError`, because dropping a revocation would accept a revoked token. Revocations of other
   * instances are added even beyond it. Default 100,000; 1 to 10,000,000.
   */
  maxEntries?: number

  /**
   * How tokens are handled between the start of an instance and its first load of the revocations.
   * `'reject'`: rejected with a 503. `'dangerouslyAccept'`: accepted, even if revoked by another
   * instance. Once loaded, revocations stay in force during outages of the store. Allowed only with
   * `stores.revocations`. Default `'reject'`.
   */
  untilLoaded?: 'reject' | 'dangerouslyAccept'
}

/** Validated {@link RevocationsOptions} with all defaults. */
export type ResolvedRevocations = Readonly<Required<RevocationsOptions>>

/** @throws {TypeError} if an option is invalid; the message names the option and the fix. */
export function resolveRevocations(
  given: RevocationsOptions = {},
  stores: ResolvedStores,
): ResolvedRevocations {
  const options = members(
    'revocations',
    given,
    ['maxEntries', 'untilLoaded'],
    'must be an object with maxEntries, untilLoaded or both; revoke() works without this option',
  )
  const { maxEntries = 100_000, untilLoaded = 'reject' } = options
  if (untilLoaded !== 'reject' && untilLoaded !== 'dangerouslyAccept') {
    return reject('revocations.untilLoaded', "must be 'reject' or 'dangerouslyAccept'")
  }
  if (options.untilLoaded !== undefined && stores.revocations === undefined) {
    return reject(
      'revocations.untilLoaded',
      'has no effect without "stores.revocations": set that store, or omit the option',
    )
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
