/**
 * Locates the key set of an issuer in its metadata, unless `jwksUri` is configured, and fetches it.
 */
import { type FetchJsonOptions, fetchJson, withoutQuery } from '../http/fetch-json.js'
import { discover } from '../http/metadata.js'
import { JwksCache } from './jwks-cache.js'

export interface DiscoveredJwksOptions
  extends Omit<ConstructorParameters<typeof JwksCache>[0], 'fetchKeySet'> {
  readonly jwksUri: string | undefined
  readonly allowHttp: boolean
  readonly maxBytes: number
  readonly fetch: FetchJsonOptions['fetch']
  /** Discovers the URL of the key set. Default: in the metadata of an authorization server. */
  readonly discover?: typeof discover
}

export function discoveredJwks(options: DiscoveredJwksOptions): JwksCache {
  const { issuer, jwksUri, allowHttp, maxBytes, fetch, discover: find = discover } = options
  let known = jwksUri
  let failed = false
  let requested = ''
  const fetching: typeof fetch = (url, init) => {
    requested = withoutQuery(url)
    return fetch(url, init)
  }

  const locate = async (exchange: FetchJsonOptions, mayHaveMoved: boolean): Promise<string> => {
    if (known !== undefined && (known === jwksUri || !(mayHaveMoved || failed))) return known
    try {
      known = (await find(issuer, { ...exchange, allowHttp })).jwksUri
    } catch (error) {
      // Falls back to the last known URL, which may still be valid although the metadata is not
      // available.
      if (known === undefined) throw error
    }
    return known
  }

  return new JwksCache({
    ...options,
    waitingFor: () => requested,
    fetchKeySet: async (signal, { mayHaveMoved }) => {
      const exchange = { fetch: fetching, signal, maxBytes }
      const url = await locate(exchange, mayHaveMoved)
      failed = true
      const document = await fetchJson(url, exchange)
      failed = false
      return document
    },
  })
}
