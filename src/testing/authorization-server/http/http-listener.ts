import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Delivery } from './delivery.js'
import { send, uncached } from './http-response.js'

/** A started HTTP server. */
export interface Listener {
  port: number
  /** Frees the port and closes every connection. Does nothing if the server is not listening. */
  suspend(): Promise<void>
  /**
   * Listens on the same port again. Does nothing if the server is listening.
   *
   * @throws {Error} if the server is closed, or the port is in use.
   */
  resume(): Promise<void>
  /** Frees the port and closes every connection. The server cannot be resumed afterwards. */
  close(): Promise<void>
}

/**
 * Starts an HTTP server that sends the responses of `handleRequest`. If `handleRequest` rejects,
 * the server responds with 500, without details. A client that disconnects, or never completes its
 * request, affects only its own request.
 *
 * @param port the TCP port; 0 selects a free port.
 */
export async function listen(
  port: number,
  host: string,
  handleRequest: (request: IncomingMessage) => Promise<Delivery>,
): Promise<Listener> {
  // The timeouts, in milliseconds, are long, because a process may pause for seconds. With short
  // timeouts, a client could then send a request on a connection that the server is closing.
  const settings = { requestTimeout: 30_000, keepAliveTimeout: 60_000 }
  const server = createServer(settings, async (request, response) => {
    const deliver = await handleRequest(request).catch(() => respondWithServerError)
    // A delivery stops when the connection closes. If the client has already disconnected, no
    // delivery is started, because it would never stop.
    if (!request.socket.destroyed) deliver(response)
  })
  await start(server, port, host)
  const { port: bound } = server.address() as AddressInfo
  let closed: Promise<void> | undefined
  let last: Promise<void> = Promise.resolve()
  const enqueue = (change: () => Promise<void>): Promise<void> => {
    const result = last.then(change)
    last = result.catch(() => {})
    return result
  }
  return {
    port: bound,
    suspend: () => enqueue(() => stop(server)),
    async resume() {
      if (closed !== undefined) throw new Error('The server is closed: create another one')
      await enqueue(() => start(server, bound, host))
    },
    close() {
      closed ??= enqueue(() => stop(server))
      return closed
    },
  }
}

const respondWithServerError: Delivery = (response) =>
  send(response, uncached(500, { error: 'server_error' }))

async function start(server: Server, port: number, host: string): Promise<void> {
  if (server.listening) return
  server.listen(port, host)
  await once(server, 'listening')
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
