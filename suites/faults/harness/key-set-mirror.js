/** A key set behind a stale cache: serves the issuer's keys as of the last `publish()`. */
import { once } from 'node:events'
import { createServer } from 'node:http'

export async function keySetMirror(issuer) {
  let shown = issuer.keySet()
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(shown))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}/keys`,
    publish() {
      shown = issuer.keySet()
    },
    async stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
