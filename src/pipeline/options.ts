/** Defines and validates the option `tokenCache`. */
import { members, numberIn } from '../base/check.js'

/**
 * Limits of the cache of verified tokens.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   tokenCache: { maxEntries: 50_000, maxBytes: 268_435_456 },
 * })
 * ```
 */
export interface TokenCacheOptions {
  /**
   * Maximum number of cached tokens, a whole number; up to 64 recent tokens are cached in addition.
   * Default 10,000; 1 to 10,000,000.
   */
  maxEntries?: number
  /**
   * Maximum memory of the cache in bytes, a whole number. The memory of a token is estimated from
   * its length and the number of objects and arrays in its claims. Default 67,108,864 (64 MiB);
   * 65,536 to 1,099,511,627,776 (1 TiB).
   */
  maxBytes?: number
}

/** Validated {@link TokenCacheOptions} with all defaults. */
export type ResolvedTokenCache = Readonly<Required<TokenCacheOptions>>

/**
 * Returns the limits of the cache; `undefined` if the option is false, which disables the cache.
 *
 * @throws {TypeError} if an option is invalid; the message names the option and the fix.
 */
export function resolveTokenCache(
  given: false | TokenCacheOptions = {},
): ResolvedTokenCache | undefined {
  if (given === false) return undefined
  const options = members(
    'tokenCache',
    given,
    ['maxEntries', 'maxBytes'],
    'must be false, or an object with maxEntries or maxBytes',
  )
  return Object.freeze({
    maxEntries: numberIn('tokenCache.maxEntries', options.maxEntries ?? 10_000, {
      minimum: 1,
      maximum: 10_000_000,
      unit: 'tokens',
    }),
    maxBytes: numberIn('tokenCache.maxBytes', options.maxBytes ?? 67_108_864, {
      minimum: 65_536,
      maximum: 2 ** 40,
      unit: 'bytes',
    }),
  })
}
