/** Resolves the option `tokenCache`. */
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
  /** Number of cached tokens, a whole number. Default 10,000; 1 to 10,000,000. */
  maxEntries?: number
  /**
   * Memory of the cache in bytes, a whole number: estimated from the length of each token and the
   * number of its nested claims. Default 67,108,864 (64 MiB); 65,536 to 2⁴⁰.
   */
  maxBytes?: number
}

/** {@link TokenCacheOptions} checked, with every default filled in. */
export type ResolvedTokenCache = Readonly<Required<TokenCacheOptions>>

/** @throws {TypeError} if an option is invalid; the message names the option and the fix. */
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
