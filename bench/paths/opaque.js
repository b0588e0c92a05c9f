/** An opaque token whose introspection response (RFC 7662) is cached. */
import * as crypto from 'node:crypto'
import { bearer, repeat } from './requests.js'

const TOKENS = 100
const HOUR_MS = 3_600_000

export const servers = {
  async introspecting({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    const introspection = { clientId: 'api', clientSecret: 'secret', cacheMaxAge: HOUR_MS }
    await app.register(resourceServer, { issuer, audience, introspection })
  },

  /** The least code: a SHA-256 of the token, one look-up, and a comparison of `exp`. */
  map({ app, fixture }) {
    const known = new Map(fixture.tokens.map((token) => [sha256(token), { exp: fixture.exp }]))
    app.decorateRequest('claims', null)
    app.addHook('onRequest', (request, _reply, done) => {
      const claims = known.get(sha256(request.headers.authorization.slice('Bearer '.length)))
      if (!(claims?.exp > Date.now() / 1_000)) return done(new Error('expired'))
      request.claims = claims
      done()
    })
  },
}

/** Node's function for one call is the cheapest, where it exists. */
const sha256 =
  crypto.hash === undefined
    ? (text) => crypto.createHash('sha256').update(text).digest('base64url')
    : (text) => crypto.hash('sha256', text, 'base64url')

export function prepare({ issue, audience }) {
  const exp = Math.floor(Date.now() / 1_000) + 86_400
  const introspection = {
    active: true,
    aud: audience,
    exp,
    sub: 'user',
    client_id: 'bench-client',
    scope: 'openid profile orders:read orders:write',
    token_type: 'Bearer',
  }
  const { issuer } = issue('', { introspection })
  const tokens = Array.from({ length: TOKENS }, () => crypto.randomBytes(32).toString('base64url'))
  return { fixture: { tokens, exp }, issuer }
}

export const requests = {
  opaque: ({ fixture, ...range }) => repeat(fixture.tokens, range).map(bearer),
}
