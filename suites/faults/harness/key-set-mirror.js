/** Simulates a stale cache in front of a key set: serves the keys as of the last `publish()`. */
import { once } from 'node:events'
import { createServer } from 'node:http'

export async function startKeySetMirror(issuer) {
  let published = issuer.keySet()
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(published))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}/keys`,
    publish() {
      published = issuer.keySet()
    },
    async stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
