/** The option `tokenCache`. */
import { members, numberIn } from '../base/check.js'

/** How many verified tokens are kept. */
export interface TokenCacheOptions {
  /** Default 10,000; from 1 to 10,000,000. */
  maxEntries?: number
  /** An estimate: the token's length and an allowance for its claims. Default 64 MiB. */
  maxBytes?: number
}

/** {@link TokenCacheOptions} checked, with every default filled in. */
export type ResolvedTokenCache = Readonly<Required<TokenCacheOptions>>

/** @throws {TypeError} that names the option and the fix. */
export function resolveTokenCache(
  given: false | TokenCacheOptions = {},
): ResolvedTokenCache | undefined {
  if (given === false) return undefined
  const options = members(
    'tokenCache',
    given,
    ['maxEntries', 'maxBytes'],
    'must be an object with some of maxEntries and maxBytes, or false; without it, tokens are cached',
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
