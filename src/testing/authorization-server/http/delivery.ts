import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { bytesOf, type HttpResponse, send, sendHead } from './http-response.js'

/**
 * Sends a response, correctly or with a transport fault. When the client disconnects or the server
 * closes, the timers and streams of the delivery must end.
 */
export type Delivery = (response: ServerResponse) => void

/** Returns a delivery that sends the response unchanged. */
export function sendUnchanged(httpResponse: HttpResponse): Delivery {
  return (response) => send(response, httpResponse)
}

/** Resets the connection (a TCP RST) without a response. */
export const resetConnection: Delivery = (response) => {
  response.req.socket.resetAndDestroy()
}

/** Never sends a response. */
export const neverRespond: Delivery = (response) => {
  // Reads the body, because the server would otherwise send a 408 after its request timeout.
  response.req.resume()
}

/** Returns a delivery that sends the head and half of the body, and never ends the response. */
export function stalledBody(httpResponse: HttpResponse): Delivery {
  return withBody(httpResponse, (response, bytes) => {
    response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)))
  })
}

/** Returns a delivery that sends the response after `delay` milliseconds. */
export function delayed(httpResponse: HttpResponse, delay: number): Delivery {
  return (response) => {
    const timer = setTimeout(() => send(response, httpResponse), delay)
    onceClosed(response, () => clearTimeout(timer))
  }
}

/** Returns a delivery that sends the head, and then one byte every `pause` milliseconds. */
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

/**
 * Returns a delivery that sends the head, and then the chunks that `chunks` makes from the body, as
 * fast as the client reads.
 */
export function streamedBody(
  httpResponse: HttpResponse,
  chunks: (bytes: Buffer) => Iterable<Buffer>,
): Delivery {
  return withBody(httpResponse, (response, bytes) => {
    const source = Readable.from(chunks(bytes), { objectMode: false })
    // The pipeline fails if the client disconnects or the server closes; both are expected.
    pipeline(source, response).catch(() => {})
  })
}

/**
 * Returns a delivery that sends the head and then calls `deliver` with the body. The response to a
 * HEAD request is sent unchanged, because it has no body.
 */
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

/** Calls `stop` when the response or its connection closes. */
function onceClosed(response: ServerResponse, stop: () => void): void {
  const { socket } = response.req
  response.once('close', () => {
    socket.off('close', stop)
    stop()
  })
  // A response that waits for an earlier response on the same connection emits no `close` when the
  // connection closes.
  socket.once('close', stop)
}
