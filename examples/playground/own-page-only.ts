/**
 * Who may talk to the page's server: the page. It takes the issuer down when asked to, and a script
 * of any site that is open in the same browser can send requests to a loopback address.
 */
import type { FastifyInstance } from 'fastify'

export function allowOwnPageOnly(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ method, headers }, reply) => {
    const own = app.listeningOrigin
    // A name that somebody's DNS made point here is not the name under which the page was opened.
    if (`http://${headers.host}` !== own) return reply.code(421).send()
    // Browsers send it with every POST, and no script can change it.
    if (method !== 'GET' && headers.origin !== own) return reply.code(403).send()
  })
}
