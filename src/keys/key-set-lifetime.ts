/**
 * Computes how long a fetched or restored key set is fresh (RFC 9111), and how long it may be used
 * after that (stale-if-error, RFC 5861).
 */

/** All times in milliseconds. */
export interface LifetimeOptions {
  readonly cacheMinAge: number
  readonly cacheMaxAge: number
  readonly staleIfError: number
  /**
   * Whether a set that no token has used since its last fetch is refreshed in the background.
   * `false` limits the fetches to key sets in use, of which there may be few among thousands.
   */
  readonly refreshUnused: boolean
}

/** Times in milliseconds, on the clock that returned `fetchedAt`. */
export interface KeySetLifetime {
  readonly fetchedAt: number
  readonly freshUntil: number
  readonly refreshAt: number
  readonly usableUntil: number
  /**
   * Time from which a request waits for a refresh, unless the last refresh failed. A set that was
   * not refreshed because no token used it may contain keys that the issuer removed hours ago.
   * Infinity if `refreshUnused` is true, and for a persisted set.
   */
  readonly lapsesAt: number
}

/** Fraction of the freshness lifetime after which a set is refreshed, before it becomes stale. */
const REFRESH_AT = 0.8

/** @param maxAgeSeconds the issuer's `Cache-Control: max-age`, if any. */
export function lifetimeOfFetched(
  fetchedAt: number,
  maxAgeSeconds: number | undefined,
  { cacheMinAge, cacheMaxAge, staleIfError, refreshUnused }: LifetimeOptions,
): KeySetLifetime {
  const wanted = maxAgeSeconds === undefined ? cacheMaxAge : maxAgeSeconds * 1000
  const freshFor = Math.min(Math.max(wanted, cacheMinAge), cacheMaxAge)
  return {
    fetchedAt,
    freshUntil: fetchedAt + freshFor,
    refreshAt: fetchedAt + freshFor * REFRESH_AT,
    usableUntil: fetchedAt + freshFor + staleIfError,
    lapsesAt: refreshUnused ? Number.POSITIVE_INFINITY : fetchedAt + freshFor,
  }
}

/** Returns the lifetime of a set that was persisted before a restart: its refresh is due. */
export function lifetimeOfRestored(
  fetchedAt: number,
  { cacheMaxAge, staleIfError }: LifetimeOptions,
): KeySetLifetime {
  return {
    fetchedAt,
    freshUntil: fetchedAt,
    refreshAt: fetchedAt,
    usableUntil: fetchedAt + cacheMaxAge + staleIfError,
    lapsesAt: Number.POSITIVE_INFINITY,
  }
}
