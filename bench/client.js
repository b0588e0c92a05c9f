/** The load client, in a separate process. Each connection sends its next request on a response. */
import { createHistogram } from 'node:perf_hooks'
import { Connection } from './connection.js'
import { serveCalls } from './ipc.js'
import { readTokens } from './token-list.js'

/** The connections to one row in one case; they stay open between its turns. */
class Session {
  #connections
  #requests
  #nextRequest
  #latency = createHistogram()

  static async open({ port, list, first, count, begin = 0, connections }) {
    const session = new Session()
    session.#requests = readTokens(list, first, count).map(request)
    session.#nextRequest = begin
    session.#connections = await Promise.all(
      Array.from({ length: connections }, () => Connection.open(port)),
    )
    return session
  }

  /** Sends `total` requests, or fewer if `milliseconds` elapse first. */
  load({ total = Number.POSITIVE_INFINITY, milliseconds }) {
    const connections = this.#connections.slice(0, total)
    const statuses = {}
    const startedAt = performance.now()
    const deadline = startedAt + milliseconds
    let sent = 0
    let responses = 0

    return new Promise((resolve, reject) => {
      const send = (connection) => {
        connection.send(this.#requests[this.#nextRequest])
        this.#nextRequest = (this.#nextRequest + 1) % this.#requests.length
        sent++
      }
      const onResponse = (connection, status, latencyMs) => {
        responses++
        statuses[status] = (statuses[status] ?? 0) + 1
        this.#latency.record(Math.max(1, Math.round(latencyMs * 1000)))
        if (sent < total && performance.now() < deadline) return send(connection)
        if (responses < sent) return
        resolve({ responses, statuses, seconds: (performance.now() - startedAt) / 1000 })
      }
      for (const connection of connections) {
        connection.start(onResponse, reject)
        send(connection)
      }
    })
  }

  /** @returns the latency percentiles of all turns, in microseconds. */
  close() {
    for (const connection of this.#connections) connection.close()
    return { p50: this.#latency.percentile(50), p99: this.#latency.percentile(99) }
  }
}

const sessions = new Map()

serveCalls({
  async open({ name, ...settings }) {
    sessions.set(name, await Session.open(settings))
  },
  load: ({ name, ...limits }) => sessions.get(name).load(limits),
  close({ name }) {
    const latency = sessions.get(name).close()
    sessions.delete(name)
    return latency
  },
})

function request(token) {
  return Buffer.from(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    'latin1',
  )
}
