/** A known token of one of many issuers, and at one of many routes. */
import { bearer, knownTokens, repeat } from './requests.js'

const ISSUERS = 100
const ROUTES = 500

export const servers = {
  async plain({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer, audience })
  },

  async 'many issuers'({ app, load, audience, fixture }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer: fixture.issuers, audience })
  },

  async 'many routes'({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer, audience })
    const config = { auth: { scope: 'orders:read' } }
    for (let i = 0; i < ROUTES; i++) app.get(`/${i}`, { config }, async () => ({ ok: true }))
  },
}

export function prepare({ issue }) {
  const issuances = Array.from({ length: ISSUERS }, (_, i) =>
    issue(`-${i}`, { algorithm: 'ES256' }),
  )
  const tokens = issuances.flatMap((issuance) => issuance.tokens(10))
  return { fixture: { issuers: issuances.map(({ issuer }) => issuer), tokens } }
}

const known = knownTokens('known')

export const requests = {
  known,
  'many issuers': ({ fixture, ...range }) => repeat(fixture.tokens, range).map(bearer),
  'many routes': (range) =>
    known(range).map((request, i) => ({ ...request, url: `/${(range.first + i) % ROUTES}` })),
}
