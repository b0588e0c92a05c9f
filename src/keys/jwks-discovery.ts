/** How the keys of an issuer are found over the network: metadata first, unless a URL was given. */
import { type FetchJsonOptions, fetchJson, placeOf } from '../http/fetch-json.js'
import { discover } from '../http/metadata.js'
import { JwksCache } from './jwks-cache.js'

export interface DiscoveredJwksOptions
  extends Omit<ConstructorParameters<typeof JwksCache>[0], 'fetchKeySet'> {
  readonly jwksUri: string | undefined
  readonly allowHttp: boolean
  readonly maxBytes: number
  readonly fetch: FetchJsonOptions['fetch']
}

export function discoveredJwks(options: DiscoveredJwksOptions): JwksCache {
  const { issuer, jwksUri, allowHttp, maxBytes, fetch } = options
  let known = jwksUri
  let failed = false
  let asked = ''
  const fetching: typeof fetch = (url, init) => {
    asked = placeOf(url)
    return fetch(url, init)
  }

  const locate = async (exchange: FetchJsonOptions, mayHaveMoved: boolean): Promise<string> => {
    if (known !== undefined && (known === jwksUri || !(mayHaveMoved || failed))) return known
    try {
      known = (await discover(issuer, { ...exchange, allowHttp })).jwksUri
    } catch (error) {
      // The key set may still be where it was, also while the metadata can't be had.
      if (known === undefined) throw error
    }
    return known
  }

  return new JwksCache({
    ...options,
    waitingFor: () => asked,
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
