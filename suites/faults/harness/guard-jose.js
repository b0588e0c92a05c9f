/**
 * Protects the API with jose's `createRemoteJWKSet` and its defaults. Replaces `Date.now` of the
 * process, because jose has no clock option.
 */
import { createRemoteJWKSet, jwtVerify } from 'jose'

/** Codes of errors that the issuer causes, not the token; the API responds with 503. */
const UNAVAILABLE = ['ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID', 'ERR_JWKS_TIMEOUT']

export async function protect(app, { issuer, audience, jwksUri, clock }) {
  Date.now = clock.now
  const keys = createRemoteJWKSet(new URL(jwksUri))
  app.addHook('onRequest', async (request, reply) => {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    try {
      await jwtVerify(token, keys, { issuer, audience })
    } catch (error) {
      const isTokenError = error.code?.startsWith('ERR_J') && !UNAVAILABLE.includes(error.code)
      return reply.code(isTokenError ? 401 : 503).send()
    }
  })
  return {
    status: () => ({ ageMs: keys.fresh && !keys.reloading ? 0 : undefined }),
    refresh: () => keys.reload(),
  }
}
