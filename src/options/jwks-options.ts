/** How an issuer's key set is fetched and kept, and the check of what was said about it. */
import type { JWK } from 'jose'
import type { Fetch } from '../keys/fetch-json.js'
import { functionOrUndefined, numberIn, reject } from './check.js'

/** The key set of an issuer. Times are in milliseconds. */
export interface JwksOptions {
  /** The keys themselves: nothing is fetched then, and the rest of these options is not needed. */
  keys?: readonly JWK[]

  /** For the whole of one attempt, metadata included. Default 5,000; from 100 to 60,000. */
  timeout?: number

  /**
   * After a fetch for a `kid` that wasn't in the set, how long until an unknown one may cause the
   * next. Default 10,000; from 1,000 to 600,000.
   */
  cooldown?: number

  /** A fetched set is fresh at least that long, whatever its `Cache-Control` says. Default 60,000. */
  minimumAge?: number

  /**
   * A fetched set is fresh at most that long, and that long where `Cache-Control` says nothing: the
   * time for which a key that the issuer removed may still be trusted. Default 600,000 (10 minutes).
   */
  maximumAge?: number

  /**
   * How long a set that is no longer fresh may be used while the issuer can't be reached. Default
   * 14,400,000 (4 hours); from 0 to 604,800,000 (a week).
   */
  staleIfError?: number

  /** A key set with more members is refused. Default 100; from 1 to 1,000. */
  maxKeys?: number

  /** A longer answer of the issuer is refused. In bytes. Default 524,288; up to 16 MiB. */
  maxBytes?: number

  /** In place of the platform's `fetch`, for instance one that goes through a proxy. */
  fetch?: Fetch
}

export const JWKS_OPTIONS = [
  'keys',
  'timeout',
  'cooldown',
  'minimumAge',
  'maximumAge',
  'staleIfError',
  'maxKeys',
  'maxBytes',
  'fetch',
] as const satisfies readonly (keyof JwksOptions)[]

/** {@link JwksOptions} checked, with every default filled in. */
export type ResolvedJwks = Readonly<Required<Omit<JwksOptions, 'keys'>>>

const DAY = 86_400_000

/** @throws {TypeError} that names the option and the mend. */
export function resolveJwks(options: JwksOptions): ResolvedJwks {
  const milliseconds = (name: keyof JwksOptions, fallback: number, range: [number, number]) =>
    numberIn(`jwks.${name}`, options[name] ?? fallback, {
      minimum: range[0],
      maximum: range[1],
      unit: 'milliseconds',
    })
  const resolved: ResolvedJwks = {
    timeout: milliseconds('timeout', 5_000, [100, 60_000]),
    cooldown: milliseconds('cooldown', 10_000, [1_000, 600_000]),
    minimumAge: milliseconds('minimumAge', 60_000, [0, DAY]),
    maximumAge: milliseconds('maximumAge', 600_000, [1_000, DAY]),
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
    fetch: functionOrUndefined('jwks.fetch', options.fetch) ?? fetch,
  }
  if (resolved.minimumAge > resolved.maximumAge) {
    reject('jwks.minimumAge', 'must not be larger than "jwks.maximumAge"')
  }
  return Object.freeze(resolved)
}
