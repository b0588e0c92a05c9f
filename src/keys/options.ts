/** Defines and validates the options for fetching and caching an issuer's key set. */
import { functionOrUndefined, numberIn, reject } from '../base/check.js'
import type { Fetch } from '../http/fetch.js'
import type { KeyStore } from './key-store.js'
import type { StaticKey } from './static-key.js'

/**
 * Options for the key set of an issuer. Times are in milliseconds.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   jwks: { cacheMaxAge: 300_000, store: fileKeyStore({ directory: '/var/lib/orders-api' }) },
 * })
 * ```
 */
export interface JwksOptions {
  /**
   * Static keys: JWKs (RFC 7517), PEM public keys or certificates, `KeyObject`s or `CryptoKey`s. If
   * set, no key set is fetched, and of the other options only `maxKeys` has an effect. The
   * algorithms follow from the key, unless a JWK has `alg` or a `CryptoKey` defines one. Only a JWK
   * can have a `kid`: a key in another form is tried for each token whose `kid` no JWK has, and for
   * tokens without `kid`. At most 16 keys may have another form. A private key is an error, and so
   * is a certificate that is outside its validity period at registration.
   */
  keys?: readonly StaticKey[]

  /**
   * Time limit of one fetch, metadata included, and of one call of `store`, in milliseconds.
   * Default 5,000; 100 to 60,000.
   */
  timeout?: number

  /**
   * Maximum number of fetches that tokens may cause in a burst: tokens whose `kid` is not in the
   * set, and tokens that the key with their `kid` does not verify. With 1, a single forged token
   * delays the acceptance of a new key by up to `cooldown`. Default 3; 1 to 100.
   */
  refetchBurst?: number

  /**
   * Interval after which one fetch of `refetchBurst` is available again, and after which the same
   * `kid` may cause another fetch, in milliseconds. Default 10,000; 1,000 to 600,000.
   */
  cooldown?: number

  /**
   * Minimum freshness lifetime of a fetched set, in milliseconds, even if `Cache-Control` is
   * shorter. Default 60,000, or `cacheMaxAge` if that is less; 1,000 to `cacheMaxAge`.
   */
  cacheMinAge?: number

  /**
   * Maximum freshness lifetime of a fetched set, in milliseconds; also the lifetime without
   * `Cache-Control: max-age`. While the issuer is reachable, a key that the issuer removed is
   * trusted no longer than this. Default 600,000 (10 minutes); 1,000 to 86,400,000 (a day).
   */
  cacheMaxAge?: number

  /**
   * Time for which a stale set may be used (RFC 5861 §4), in milliseconds, because the issuer is
   * unavailable or a background refresh is still in flight. Default
   * 14,400,000 (4 hours); 0 to 604,800,000 (a week).
   */
  staleIfError?: number

  /** Maximum number of keys; a larger key set is rejected. Default 100; 1 to 1,000. */
  maxKeys?: number

  /**
   * Maximum size of the key set in bytes; a larger set is rejected. The limit for metadata is the
   * smaller of this value and 65,536. Default 524,288; 1,024 to 16,777,216 (16 MiB).
   */
  maxBytes?: number

  /**
   * Store for fetched key sets, so that an instance that restarts during an issuer outage has keys:
   * a `fileKeyStore`, or an implementation of your own. A persisted set is used for at most
   * `cacheMaxAge` + `staleIfError` after its fetch. Default: none.
   */
  store?: KeyStore

  /**
   * Replaces `globalThis.fetch` for the key set and the metadata, for example to use a proxy. The
   * default is read at each fetch, so that a mock takes effect even if a test installs it later.
   */
  fetch?: Fetch
}

export const JWKS_OPTIONS = [
  'keys',
  'timeout',
  'refetchBurst',
  'cooldown',
  'cacheMinAge',
  'cacheMaxAge',
  'staleIfError',
  'maxKeys',
  'maxBytes',
  'store',
  'fetch',
] as const satisfies readonly (keyof JwksOptions)[]

/** Validated {@link JwksOptions} with all defaults, except for `keys`. */
export type ResolvedJwks = Readonly<
  Required<Omit<JwksOptions, 'keys' | 'store'>> & { store: KeyStore | undefined }
>

const DAY = 86_400_000

/** One function for all issuers: issuers with different functions cannot share a key set. */
const globalFetch: Fetch = (url, init) => fetch(url, init)

/**
 * Validates the option `jwks`.
 *
 * @throws {TypeError} that names the option and the fix.
 */
export function resolveJwks(options: JwksOptions): ResolvedJwks {
  const milliseconds = (name: keyof JwksOptions, fallback: number, range: [number, number]) =>
    numberIn(`jwks.${name}`, options[name] ?? fallback, {
      minimum: range[0],
      maximum: range[1],
      unit: 'milliseconds',
    })
  const cacheMaxAge = milliseconds('cacheMaxAge', 600_000, [1_000, DAY])
  const resolved: ResolvedJwks = {
    timeout: milliseconds('timeout', 5_000, [100, 60_000]),
    refetchBurst: numberIn('jwks.refetchBurst', options.refetchBurst ?? 3, {
      minimum: 1,
      maximum: 100,
      unit: 'fetches',
    }),
    cooldown: milliseconds('cooldown', 10_000, [1_000, 600_000]),
    cacheMinAge: milliseconds('cacheMinAge', Math.min(60_000, cacheMaxAge), [1_000, DAY]),
    cacheMaxAge,
    staleIfError: milliseconds('staleIfError', 4 * 3_600_000, [0, 7 * DAY]),
    maxKeys: numberIn('jwks.maxKeys', options.maxKeys ?? 100, {
      minimum: 1,
      maximum: 1_000,
      unit: 'keys',
    }),
    maxBytes: numberIn('jwks.maxBytes', options.maxBytes ?? 524_288, {
      minimum: 1_024,
      maximum: 16_777_216,
      unit: 'bytes',
    }),
    store: resolveStore(options.store),
    fetch: functionOrUndefined('jwks.fetch', options.fetch) ?? globalFetch,
  }
  if (resolved.cacheMinAge > resolved.cacheMaxAge) {
    reject('jwks.cacheMinAge', 'must not be larger than "jwks.cacheMaxAge"')
  }
  return Object.freeze(resolved)
}

function resolveStore(store: KeyStore | undefined): KeyStore | undefined {
  if (store === undefined) return undefined
  if (typeof store?.load === 'function' && typeof store.save === 'function') return store
  return reject('jwks.store', 'must have the methods "load" and "save", as fileKeyStore() has')
}
