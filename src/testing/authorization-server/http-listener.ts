import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, send, uncached } from './answer.js'

/** A started HTTP server. */
export interface Listener {
  port: number
  close(): Promise<void>
}

/**
 * Listens, and sends what `respond` answers: every answer goes out here. An error in it is a
 * 500 that tells nothing; a client that goes away or never finishes ends its own request only.
 */
export async function listen(
  port: number,
  host: string,
  respond: (request: IncomingMessage) => Promise<Answer>,
): Promise<Listener> {
  const server = createServer({ requestTimeout: 30_000 }, async (request, response) => {
    const failed = () => uncached(500, { error: 'server_error' })
    send(response, await respond(request).catch(failed))
  })
  server.listen(port, host)
  await once(server, 'listening')
  let closed: Promise<void> | undefined
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      closed ??= stop(server)
      return closed
    },
  }
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
