/**
 * The API guarded by what one would write around jose's `createRemoteJWKSet`, with its defaults. It
 * takes no time from outside, so the process's own clock is replaced.
 */
import { createRemoteJWKSet, jwtVerify } from 'jose'

/** The issuer's fault and not the token's: jose throws these also where it could not ask. */
const UNAVAILABLE = ['ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID', 'ERR_JWKS_TIMEOUT']

export async function guard(app, { issuer, audience, jwksUri, clock }) {
  Date.now = clock.now
  const keys = createRemoteJWKSet(new URL(jwksUri))
  app.addHook('onRequest', async (request, reply) => {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    try {
      await jwtVerify(token, keys, { issuer, audience })
    } catch (error) {
      const isTokens = error.code?.startsWith('ERR_J') && !UNAVAILABLE.includes(error.code)
      return reply.code(isTokens ? 401 : 503).send()
    }
  })
  return {
    status: () => ({ ageMs: keys.fresh && !keys.reloading ? 0 : undefined }),
    refresh: () => keys.reload(),
  }
}
