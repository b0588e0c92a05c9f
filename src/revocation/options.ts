/** The option `revocations`. */
import { members, numberIn, reject } from '../base/check.js'
import type { ResolvedStores } from '../stores/options.js'

/** How revocations are remembered; see `revoke()`. */
export interface RevocationsOptions {
  /**
   * One more is an error, because to forget one would let a revoked token in. About 200 bytes each.
   * Default 100,000; from 1 to 10,000,000.
   */
  maxEntries?: number

  /**
   * With `stores.revocations`: what is done with tokens while an instance has not yet learnt, since
   * its start, what was revoked. `'reject'` is a 503; `'dangerouslyAccept'` lets revoked tokens in until it has.
   * Later outages leave in force what is known. Default `'reject'`.
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
