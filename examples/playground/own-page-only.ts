/**
 * Rejects requests to the page's server that do not come from the page (DNS rebinding, cross-site
 * requests). The server can take the issuer down, and a script of any site that is open in the same
 * browser can send requests to a loopback address.
 */
import type { FastifyInstance } from 'fastify'

export function allowOwnPageOnly(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ method, headers, url }, reply) => {
    const origin = app.listeningOrigin
    if (`http://${headers.host}` !== origin) {
      // Redirects from another loopback name to the page. Rejects any other name, which an
      // attacker's DNS may resolve to this address (DNS rebinding).
      if (method === 'GET' && isLocalhost(headers.host)) return reply.redirect(`${origin}${url}`)
      return reply.code(421).send()
    }
    // Browsers send `Origin` with every POST, and scripts cannot change it.
    if (method !== 'GET' && headers.origin !== origin) return reply.code(403).send()
  })
}

function isLocalhost(host = ''): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(host)
}
