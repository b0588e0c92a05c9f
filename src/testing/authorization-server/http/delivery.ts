import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { bytesOf, type HttpResponse, send, sendHead } from './http-response.js'

/**
 * Sends a response, correctly or with a transport fault. No delivery outlives its connection: when
 * the client disconnects or the server closes, its timers and streams end.
 */
export type Delivery = (response: ServerResponse) => void

/** Sends the response unchanged. */
export function sendUnchanged(httpResponse: HttpResponse): Delivery {
  return (response) => send(response, httpResponse)
}

/** Resets the connection (a TCP RST) without a response. */
export const resetConnection: Delivery = (response) => {
  response.req.socket.resetAndDestroy()
}

/** Never sends a response. */
export const neverRespond: Delivery = (response) => {
  // An unread body would reach the server's request timeout, which sends a 408.
  response.req.resume()
}

/** Sends the head and half of the body. */
export function stalledBody(httpResponse: HttpResponse): Delivery {
  return withBody(httpResponse, (response, bytes) => {
    response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)))
  })
}

/** Sends the response after `delay` milliseconds. */
export function delayed(httpResponse: HttpResponse, delay: number): Delivery {
  return (response) => {
    const timer = setTimeout(() => send(response, httpResponse), delay)
    onceClosed(response, () => clearTimeout(timer))
  }
}

/** Sends the head, then one byte every `pause` milliseconds. */
export function slowBody(httpResponse: HttpResponse, pause: number): Delivery {
  return withBody(httpResponse, (response, bytes) => {
    response.flushHeaders()
    let sent = 0
    const timer = setInterval(() => {
      response.write(bytes.subarray(sent, sent + 1))
      sent += 1
      if (sent < bytes.length) return
      clearInterval(timer)
      response.end()
    }, pause)
    onceClosed(response, () => clearInterval(timer))
  })
}

/** Sends the head, then the chunks made from the body, as fast as the client reads. */
export function streamedBody(
  httpResponse: HttpResponse,
  chunks: (bytes: Buffer) => Iterable<Buffer>,
): Delivery {
  return withBody(httpResponse, (response, bytes) => {
    const source = Readable.from(chunks(bytes), { objectMode: false })
    // The client disconnected or was cut off, so there is no recipient for the error.
    pipeline(source, response).catch(() => {})
  })
}

/** Sends the response to HEAD unchanged: it has no body to corrupt. */
function withBody(
  httpResponse: HttpResponse,
  deliver: (response: ServerResponse, bytes: Buffer) => void,
): Delivery {
  return (response) => {
    if (response.req.method === 'HEAD') {
      send(response, httpResponse)
    } else {
      sendHead(response, httpResponse)
      deliver(response, bytesOf(httpResponse))
    }
  }
}

function onceClosed(response: ServerResponse, stop: () => void): void {
  const { socket } = response.req
  response.once('close', () => {
    socket.off('close', stop)
    stop()
  })
  // A response queued behind another on its connection emits no `close` when the connection ends.
  socket.once('close', stop)
}
