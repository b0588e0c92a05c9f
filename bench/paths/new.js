/** A new JWT: the plugin parses it, checks its claims and verifies its signature. */
import { newTokens } from './requests.js'
import { partsOf, VERIFIERS } from './verifiers.js'

export const servers = {
  async plugin({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer, audience })
  },

  async jose({ app, issuer, audience }) {
    const { createRemoteJWKSet, jwtVerify } = await import('jose')
    const keys = createRemoteJWKSet(new URL(`${issuer}/v1/keys`))
    app.decorateRequest('claims', null)
    app.addHook('onRequest', async (request) => {
      const token = request.headers.authorization.slice('Bearer '.length)
      request.claims = (await jwtVerify(token, keys, { issuer, audience })).payload
    })
  },

  ...Object.fromEntries(Object.keys(VERIFIERS).map((name) => [name, bareVerification(name)])),
}

/** The least code: parses header and claims, and verifies the signature. */
function bareVerification(name) {
  const { import: importKey, verify } = VERIFIERS[name]
  return async ({ app, jwks }) => {
    const keys = new Map()
    for (const jwk of jwks.keys) keys.set(jwk.kid, await importKey(jwk, jwk.alg))
    app.decorateRequest('claims', null)
    app.addHook('onRequest', (request, _reply, done) => {
      const token = request.headers.authorization.slice('Bearer '.length)
      const [header, claims] = token.split('.', 2)
      const key = keys.get(decode(header).kid)
      const payload = decode(claims)
      const { input, signature } = partsOf(token)
      verify(key, input, signature, (valid) => {
        request.claims = payload
        done(valid ? undefined : new Error('Invalid signature'))
      })
    })
  }
}

const decode = (segment) => JSON.parse(Buffer.from(segment, 'base64url').toString())

export const requests = Object.fromEntries(
  ['RS256', 'ES256', 'PS256', 'EdDSA'].map((name) => [name, newTokens(`new-${name}`)]),
)
