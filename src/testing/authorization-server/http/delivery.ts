import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Answer, bytesOf, send, sendHead } from './answer.js'

/**
 * Sends a response, correctly or with a transport fault. No delivery outlives its connection: when
 * the client disconnects or the server closes, its timers and streams end.
 */
export type Delivery = (response: ServerResponse) => void

/** Sends the response unchanged. */
export function whole(answer: Answer): Delivery {
  return (response) => send(response, answer)
}

/** Resets the connection (a TCP RST) without an answer. */
export const reset: Delivery = (response) => {
  response.req.socket.resetAndDestroy()
}

/** Never sends a response. */
export const silence: Delivery = (response) => {
  // An unread body would reach the server's request timeout, which sends a 408.
  response.req.resume()
}

/** Sends the head and half of the body. */
export function half(answer: Answer): Delivery {
  return withBody(answer, (response, bytes) => {
    response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)))
  })
}

/** Sends the response after `delay` milliseconds. */
export function late(answer: Answer, delay: number): Delivery {
  return (response) => {
    const timer = setTimeout(() => send(response, answer), delay)
    onceOver(response, () => clearTimeout(timer))
  }
}

/** Sends the head, then one byte every `pause` milliseconds. */
export function dripping(answer: Answer, pause: number): Delivery {
  return withBody(answer, (response, bytes) => {
    response.flushHeaders()
    let sent = 0
    const timer = setInterval(() => {
      response.write(bytes.subarray(sent, sent + 1))
      sent += 1
      if (sent < bytes.length) return
      clearInterval(timer)
      response.end()
    }, pause)
    onceOver(response, () => clearInterval(timer))
  })
}

/** Sends the head, then the chunks made from the body, as fast as the client reads. */
export function streamed(answer: Answer, chunks: (bytes: Buffer) => Iterable<Buffer>): Delivery {
  return withBody(answer, (response, bytes) => {
    const source = Readable.from(chunks(bytes), { objectMode: false })
    // The client disconnected or was cut off, so there is no recipient for the error.
    pipeline(source, response).catch(() => {})
  })
}

/** Sends the response to HEAD unchanged: it has no body to corrupt. */
function withBody(
  answer: Answer,
  deliver: (response: ServerResponse, bytes: Buffer) => void,
): Delivery {
  return (response) => {
    if (response.req.method === 'HEAD') {
      send(response, answer)
    } else {
      sendHead(response, answer)
      deliver(response, bytesOf(answer))
    }
  }
}

function onceOver(response: ServerResponse, stop: () => void): void {
  const { socket } = response.req
  response.once('close', () => {
    socket.off('close', stop)
    stop()
  })
  // A response queued behind another on its connection emits no `close` when the connection ends.
  socket.once('close', stop)
}
