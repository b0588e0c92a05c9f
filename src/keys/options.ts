/** How an issuer's key set is fetched and kept, and the check of what was said about it. */
import type { JWK } from 'jose'
import { functionOrUndefined, numberIn, reject } from '../base/check.js'
import type { Fetch } from '../http/fetch-json.js'
import type { KeyStore } from './key-store.js'

/**
 * The key set of an issuer. Times are in milliseconds.
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
  /** The keys themselves: nothing is fetched then, and the rest of these options is not needed. */
  keys?: readonly JWK[]

  /** For the whole of one attempt, metadata included. Default 5,000; from 100 to 60,000. */
  timeout?: number

  /**
   * How many fetches tokens may cause at once: those with a `kid` that isn't in the set, and those
   * that the key of their `kid` does not verify. Default 3; from 1 to 100. With 1, a single forged
   * token delays a new key by up to `cooldown`.
   */
  refetchBurst?: number

  /**
   * How long until one of the `refetchBurst` fetches may be made again, and the same `kid` may cause
   * another. Default 10,000; from 1,000 to 600,000.
   */
  cooldown?: number

  /**
   * A fetched set is fresh at least that long, whatever its `Cache-Control` says. Default 60,000, or
   * `cacheMaxAge` if that is less; from 1,000.
   */
  cacheMinAge?: number

  /**
   * A fetched set is fresh at most that long, and that long where `Cache-Control` says nothing. A
   * key that the issuer removed is trusted no longer while the issuer can be reached. Default 600,000 (10 minutes);
   * from 1,000 to 86,400,000 (a day).
   */
  cacheMaxAge?: number

  /**
   * How long a set that is no longer fresh may be used while no newer one could be had: the issuer
   * is out of reach, or a refresh in the background isn't over. Default 14,400,000 (4 hours); from 0 to 604,800,000 (a week).
   */
  staleIfError?: number

  /** A key set with more members is refused. Default 100; from 1 to 1,000. */
  maxKeys?: number

  /**
   * A longer key set is refused, and metadata longer than that or 65,536. In bytes. Default 524,288;
   * up to 16 MiB.
   */
  maxBytes?: number

  /**
   * Where fetched key sets are kept, so that a restart while the issuer is down serves at once: a
   * `fileKeyStore`, or one of yours. What it holds is used for at most `cacheMaxAge` and
   * `staleIfError` after it was fetched. Default: nowhere.
   */
  store?: KeyStore

  /**
   * In place of `globalThis.fetch`, for instance one that goes through a proxy. The default is looked
   * up at each fetch, so that mocks that tests install later count.
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

/** {@link JwksOptions} checked, with every default filled in. */
export type ResolvedJwks = Readonly<
  Required<Omit<JwksOptions, 'keys' | 'store'>> & { store: KeyStore | undefined }
>

const DAY = 86_400_000

/** One function, because issuers with different functions share no key set. */
const globalFetch: Fetch = (url, init) => fetch(url, init)

/** @throws {TypeError} that names the option and the fix. */
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
