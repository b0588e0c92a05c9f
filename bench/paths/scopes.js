/** A known token at a route that requires a scope, in each way to require it. */
import { knownTokens } from './requests.js'

const SCOPE = 'orders:read'
const handler = async () => ({ ok: true })

export const servers = {
  async static({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer, audience })
    app.get('/', { config: { auth: { scope: SCOPE } } }, handler)
  },

  async function({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer, audience })
    const scope = ({ method }) => (method === 'GET' ? SCOPE : 'orders:write')
    app.get('/', { config: { auth: { scope } } }, handler)
  },

  async requireScope({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer, audience })
    app.get('/', async (request) => {
      request.requireScope(SCOPE)
      return { ok: true }
    })
  },

  async implied({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    const scopeImplies = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [i === 0 ? SCOPE : `scope:${i}`, [`implied:${i}`]]),
    )
    await app.register(resourceServer, { issuer, audience, scopeImplies })
    app.get('/', { config: { auth: { scope: 'implied:0' } } }, handler)
  },
}

export const requests = { known: knownTokens('known') }
