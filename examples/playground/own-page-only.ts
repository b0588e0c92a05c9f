/**
 * Who may talk to the page's server: the page. It takes the issuer down when asked to, and a script
 * of any site that is open in the same browser can send requests to a loopback address.
 */
import type { FastifyInstance } from 'fastify'

export function allowOwnPageOnly(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ method, headers, url }, reply) => {
    const own = app.listeningOrigin
    if (`http://${headers.host}` !== own) {
      // Another name of this machine leads to the page; a foreign one, which an attacker's DNS may have
      // made to resolve to this address (DNS rebinding), does not.
      if (method === 'GET' && isLocalhost(headers.host)) return reply.redirect(`${own}${url}`)
      return reply.code(421).send()
    }
    // Browsers send it with every POST, and no script can change it.
    if (method !== 'GET' && headers.origin !== own) return reply.code(403).send()
  })
}

function isLocalhost(host = ''): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(host)
}
