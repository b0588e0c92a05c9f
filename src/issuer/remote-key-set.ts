/** How the keys of an issuer are found over the network: metadata first, unless a URL was given. */
import { fetchJson } from '../keys/fetch-json.js'
import { RemoteKeys } from '../keys/remote-keys.js'
import { discover } from './metadata.js'

export interface RemoteKeySetOptions
  extends Omit<ConstructorParameters<typeof RemoteKeys>[0], 'fetchKeySet'> {
  readonly jwksUri: string | undefined
  readonly allowHttp: boolean
  readonly maxBytes: number
  readonly fetch: Parameters<typeof fetchJson>[1]['fetch']
}

export function remoteKeySet(options: RemoteKeySetOptions): RemoteKeys {
  const { issuer, jwksUri, allowHttp, maxBytes, fetch } = options
  let known = jwksUri
  return new RemoteKeys({
    ...options,
    fetchKeySet: async (signal) => {
      const exchange = { fetch, signal, maxBytes }
      const url = known ?? (await discover(issuer, { ...exchange, allowHttp })).jwksUri
      // Forgotten until it has answered, so that a key set that moved is looked for again.
      known = jwksUri
      const document = await fetchJson(url, exchange)
      known = url
      return document
    },
  })
}
