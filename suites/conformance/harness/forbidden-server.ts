/** A key server that a token refers to, and that the API must not contact. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ForbiddenServer extends AsyncDisposable {
  readonly url: string
  readonly requests: number
}

/** @param keys the key set that the server sends if the API contacts it. */
export async function startForbiddenServer(keys: readonly object[]): Promise<ForbiddenServer> {
  let requests = 0
  const server = createServer((_request, response) => {
    requests++
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    get requests() {
      return requests
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
