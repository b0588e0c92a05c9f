/**
 * One keep-alive connection with one request in flight. It reads only the status and the end of a
 * response, because a costly client would hide differences between servers.
 */
import { once } from 'node:events'
import { connect } from 'node:net'

const END_OF_HEAD = Buffer.from('\r\n\r\n')

export class Connection {
  #socket
  /** `undefined` while no request is in flight. */
  #sentAt
  #unread
  #onResponse
  #onFailure

  static async open(port) {
    const connection = new Connection()
    const onread = {
      buffer: Buffer.allocUnsafe(16_384),
      callback: connection.#read.bind(connection),
    }
    connection.#socket = connect({ host: '127.0.0.1', port, noDelay: true, onread })
    await once(connection.#socket, 'connect')
    connection.#socket.on('error', (error) => connection.#onFailure(error))
    connection.#socket.on('close', () => {
      // The server may close an idle connection while others still wait for their responses.
      if (connection.#sentAt !== undefined) {
        connection.#onFailure(new Error('The server closed a connection'))
      }
    })
    return connection
  }

  /** @param onResponse receives the connection, the status and the latency in milliseconds. */
  start(onResponse, onFailure) {
    this.#onResponse = onResponse
    this.#onFailure = onFailure
  }

  send(request) {
    // A destroyed socket emits no further events, so the failure is reported here.
    if (this.#socket.destroyed) return this.#onFailure(new Error('The server closed a connection'))
    this.#sentAt = performance.now()
    this.#socket.write(request)
  }

  close() {
    this.#socket.destroy()
  }

  #read(length, buffer) {
    const chunk = buffer.subarray(0, length)
    const bytes = this.#unread === undefined ? chunk : Buffer.concat([this.#unread, chunk])
    const status = statusOfComplete(bytes)
    if (status === undefined) {
      // Copies the bytes: the socket reuses the buffer for the next chunk.
      this.#unread = Buffer.from(bytes)
    } else {
      const latencyMs = performance.now() - this.#sentAt
      this.#unread = undefined
      this.#sentAt = undefined
      this.#onResponse(this, status, latencyMs)
    }
    return true
  }
}

/** Returns `undefined` while the response is incomplete. */
function statusOfComplete(bytes) {
  const end = bytes.indexOf(END_OF_HEAD)
  if (end === -1) return undefined
  const head = bytes.latin1Slice(0, end)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)
  if (length === null) throw new Error(`A response has no Content-Length:\n${head}`)
  const missing = end + END_OF_HEAD.length + Number(length[1]) - bytes.length
  if (missing < 0) throw new Error('The server sent more than one response to a request')
  return missing === 0 ? Number(head.slice(9, 12)) : undefined
}
