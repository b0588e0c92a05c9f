import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Answer, bytesOf, send, sendHead } from './answer.js'

/**
 * A way of getting an answer out, or of failing to. None outlives its connection: a client that
 * goes away, or the server's close, ends its timers and streams.
 */
export type Delivery = (response: ServerResponse) => void

/** The right way. */
export function whole(answer: Answer): Delivery {
  return (response) => send(response, answer)
}

/** Resets the connection (a TCP RST) without an answer. */
export const reset: Delivery = (response) => {
  response.req.socket.resetAndDestroy()
}

/** Never answers. */
export const silence: Delivery = (response) => {
  // An unread body would run into the server's own time limit, which answers 408.
  response.req.resume()
}

/** Sends the head and half of the body. */
export function half(answer: Answer): Delivery {
  return withBody(answer, (response, bytes) => {
    response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)))
  })
}

/** Sends the answer after a time in milliseconds. */
export function late(answer: Answer, delay: number): Delivery {
  return (response) => {
    const timer = setTimeout(() => send(response, answer), delay)
    onceOver(response, () => clearTimeout(timer))
  }
}

/** Sends the head, then a byte each time so many milliseconds are over. */
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

/** Sends the head, then, as fast as the client reads, what is made of the body. */
export function streamed(answer: Answer, chunks: (bytes: Buffer) => Iterable<Buffer>): Delivery {
  return withBody(answer, (response, bytes) => {
    const source = Readable.from(chunks(bytes), { objectMode: false })
    // The client went away or was cut off: nobody is left to tell.
    pipeline(source, response).catch(() => {})
  })
}

/** The answer to HEAD has no body with which anything could be wrong. */
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
  // A response that waits behind another on its connection emits nothing when that ends.
  socket.once('close', stop)
}
