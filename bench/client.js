/** The load client, in a separate process. Each connection sends its next request on a response. */
import { createHistogram } from 'node:perf_hooks'
import { Connection } from './connection.js'
import { serveCalls } from './ipc.js'

const CONNECTIONS = 50

/** The connections to one server; they stay open between its turns. */
class Session {
  #port
  #connections = []
  #requests = []

  constructor(port) {
    this.#port = port
  }

  async open() {
    this.#connections = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => Connection.open(this.#port)),
    )
  }

  /** Builds the requests of a turn, which `load` does not measure. */
  prepare(requests) {
    this.#requests = requests.map(({ url = '/', headers }) =>
      Buffer.from(`GET ${url} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n\r\n`, 'latin1'),
    )
  }

  /** Sends the prepared requests, or fewer if `milliseconds` elapse first. */
  load(milliseconds) {
    const requests = this.#requests
    const connections = this.#connections.slice(0, requests.length)
    const latency = createHistogram()
    const statuses = {}
    const startedAt = performance.now()
    const deadline = startedAt + milliseconds
    let sent = 0
    let responses = 0

    return new Promise((resolve, reject) => {
      const send = (connection) => connection.send(requests[sent++])
      const onResponse = (connection, status, latencyMs) => {
        responses++
        statuses[status] = (statuses[status] ?? 0) + 1
        latency.record(Math.max(1, Math.round(latencyMs * 1000)))
        if (sent < requests.length && performance.now() < deadline) return send(connection)
        if (responses < sent) return
        resolve({
          responses,
          statuses,
          seconds: (performance.now() - startedAt) / 1000,
          p50: latency.percentile(50),
          p99: latency.percentile(99),
        })
      }
      for (const connection of connections) {
        connection.start(onResponse, reject)
        send(connection)
      }
    })
  }

  close() {
    for (const connection of this.#connections) connection.close()
  }
}

const sessions = new Map()

serveCalls({
  async open({ name, port }) {
    const session = new Session(port)
    await session.open()
    sessions.set(name, session)
  },
  async prepare({ name, file, requests, ...range }) {
    const { requests: makers } = await import(`./paths/${file}.js`)
    sessions.get(name).prepare(await makers[requests](range))
  },
  load: ({ name, milliseconds }) => sessions.get(name).load(milliseconds),
  close({ name }) {
    sessions.get(name)?.close()
    sessions.delete(name)
  },
})
