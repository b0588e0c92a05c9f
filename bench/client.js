/** The load client, a process of its own: 50 connections that each ask again once they are answered. */
import { createHistogram } from 'node:perf_hooks'
import { Connection } from './connection.js'
import { answer } from './ipc.js'
import { readTokens } from './token-list.js'

let connections = []
let requests = []
/** Where in the requests to begin. */
let position = 0

answer({
  async prepare({ port, list, first, count, begin = 0, connections: wanted }) {
    requests = readTokens(list, first, count).map(request)
    position = begin
    connections = await Promise.all(Array.from({ length: wanted }, () => Connection.open(port)))
  },
  /** Sends `total` requests, or fewer if `milliseconds` are over before that. */
  async load({ total = Number.POSITIVE_INFINITY, milliseconds = Number.POSITIVE_INFINITY }) {
    const outcome = await run(total, milliseconds)
    for (const connection of connections) connection.close()
    return outcome
  },
})

function request(token) {
  return Buffer.from(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    'latin1',
  )
}

function run(total, milliseconds) {
  const latency = createHistogram()
  const statuses = {}
  const begun = performance.now()
  const deadline = begun + milliseconds
  let sent = 0
  let answered = 0

  return new Promise((resolve, reject) => {
    const send = (connection) => {
      connection.send(requests[position])
      position = (position + 1) % requests.length
      sent++
    }
    const onAnswer = (connection, status, took) => {
      answered++
      statuses[status] = (statuses[status] ?? 0) + 1
      latency.record(Math.max(1, Math.round(took * 1000)))
      if (sent < total && performance.now() < deadline) return send(connection)
      if (answered < sent) return
      resolve({
        answered,
        statuses,
        seconds: (performance.now() - begun) / 1000,
        latency: { p50: latency.percentile(50), p99: latency.percentile(99) },
      })
    }
    for (const connection of connections) {
      connection.start(onAnswer, reject)
      if (sent < total) send(connection)
    }
  })
}
