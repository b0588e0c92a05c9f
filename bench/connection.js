/**
 * One keep-alive connection with one request in flight, and no more work for an answer than to know
 * where it ends: the cost of the client mustn't hide the server's.
 */
import { once } from 'node:events'
import { connect } from 'node:net'

const END_OF_HEAD = Buffer.from('\r\n\r\n')

export class Connection {
  #socket
  /** Of the request in flight, if there is one. */
  #sentAt
  #unread
  #onAnswer
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
      // One that has done its part may be closed while the others still wait.
      if (connection.#sentAt !== undefined) {
        connection.#onFailure(new Error('the server closed a connection'))
      }
    })
    return connection
  }

  /** @param onAnswer told of the connection, the status and the milliseconds of each answer. */
  start(onAnswer, onFailure) {
    this.#onAnswer = onAnswer
    this.#onFailure = onFailure
  }

  send(request) {
    // A destroyed socket emits no further events, so the failure is reported here.
    if (this.#socket.destroyed) return this.#onFailure(new Error('the server closed a connection'))
    this.#sentAt = performance.now()
    this.#socket.write(request)
  }

  close() {
    this.#socket.destroy()
  }

  #read(length, buffer) {
    const chunk = buffer.subarray(0, length)
    const bytes = this.#unread === undefined ? chunk : Buffer.concat([this.#unread, chunk])
    const status = statusOfWhole(bytes)
    if (status === undefined) {
      // The buffer is used again for the next chunk.
      this.#unread = Buffer.from(bytes)
    } else {
      const took = performance.now() - this.#sentAt
      this.#unread = undefined
      this.#sentAt = undefined
      this.#onAnswer(this, status, took)
    }
    return true
  }
}

function statusOfWhole(bytes) {
  const end = bytes.indexOf(END_OF_HEAD)
  if (end === -1) return undefined
  const head = bytes.latin1Slice(0, end)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)
  if (length === null) throw new Error(`an answer without Content-Length:\n${head}`)
  const missing = end + END_OF_HEAD.length + Number(length[1]) - bytes.length
  if (missing < 0) throw new Error('more came than one answer')
  return missing === 0 ? Number(head.slice(9, 12)) : undefined
}
