/** The load client, a process of its own: 50 connections that each ask again once they are answered. */
import { createHistogram } from 'node:perf_hooks'
import { Connection } from './connection.js'
import { answer } from './ipc.js'
import { readTokens } from './token-list.js'

/** One row in one case: its connections stay open from slice to slice. */
class Session {
  #connections
  #requests
  /** Where in the requests to go on. */
  #position
  #latency = createHistogram()

  static async open({ port, list, first, count, begin = 0, connections }) {
    const session = new Session()
    session.#requests = readTokens(list, first, count).map(request)
    session.#position = begin
    session.#connections = await Promise.all(
      Array.from({ length: connections }, () => Connection.open(port)),
    )
    return session
  }

  /** Sends `total` requests, or fewer if `milliseconds` are over before that. */
  load({ total = Number.POSITIVE_INFINITY, milliseconds }) {
    const connections = this.#connections.slice(0, total)
    const statuses = {}
    const begun = performance.now()
    const deadline = begun + milliseconds
    let sent = 0
    let answered = 0

    return new Promise((resolve, reject) => {
      const send = (connection) => {
        connection.send(this.#requests[this.#position])
        this.#position = (this.#position + 1) % this.#requests.length
        sent++
      }
      const onAnswer = (connection, status, took) => {
        answered++
        statuses[status] = (statuses[status] ?? 0) + 1
        this.#latency.record(Math.max(1, Math.round(took * 1000)))
        if (sent < total && performance.now() < deadline) return send(connection)
        if (answered < sent) return
        resolve({ answered, statuses, seconds: (performance.now() - begun) / 1000 })
      }
      for (const connection of connections) {
        connection.start(onAnswer, reject)
        send(connection)
      }
    })
  }

  /** @returns the latencies of all slices. */
  close() {
    for (const connection of this.#connections) connection.close()
    return { p50: this.#latency.percentile(50), p99: this.#latency.percentile(99) }
  }
}

const sessions = new Map()

answer({
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
