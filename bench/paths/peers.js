/** The other packages: `../peers.js` has their table, and `../peers/` the code of each. */
import { HOSTILE } from '../hostile.js'
import { peers } from '../peers.js'
import { knownTokens, newTokens } from './requests.js'

/** Holds all known and new tokens of a round, so that no cache evicts a known token. */
const CACHE_ENTRIES = 50_000

export const servers = Object.fromEntries(
  Object.keys(peers).map((name) => [
    name,
    async ({ issuer, audience, decryption, load }) => {
      const { serve } = await import(`../peers/${name}.js`)
      const jwksUri = `${issuer}/v1/keys`
      const cacheEntries = CACHE_ENTRIES
      return { port: await serve({ issuer, audience, decryption, jwksUri, cacheEntries, load }) }
    },
  ]),
)

export const requests = {
  'known-1000': knownTokens('known'),
  'known-20000': knownTokens('known-20000'),
  ...Object.fromEntries(
    ['RS256', 'ES256', 'PS256', 'EdDSA'].map((name) => [`new-${name}`, newTokens(`new-${name}`)]),
  ),
  ...Object.fromEntries(
    [...Object.keys(HOSTILE), 'expired'].map((name) => [name, knownTokens(name)]),
  ),
}
