/**
 * Sends requests at a fixed rate, whether or not earlier responses have arrived. The latency of a
 * request begins when it is due.
 */
import { Connection } from '../connection.js'
import { cpuTime } from '../cpu-time.js'
import { serveCalls } from '../ipc.js'
import { quantile } from '../statistics.js'

let connections = []

serveCalls({
  /** Opens connections for one call of `load`: Node closes those that stay unused for a minute. */
  async open({ port, count }) {
    connections = await Promise.all(Array.from({ length: count }, () => Connection.open(port)))
  },
  /**
   * @param streams by name, `{ tokens, seconds }`: the tokens are sent within that time; `null` is a
   *   request without a token.
   * @returns the results of each stream, latencies in milliseconds, and the CPU time of this process
   *   in microseconds.
   */
  async load({ streams }) {
    const cpuBefore = cpuTime().total
    try {
      const results = await load(streams)
      return { results, cpu: cpuTime().total - cpuBefore }
    } finally {
      for (const connection of connections) connection.close()
    }
  },
})

function load(streams) {
  const idle = [...connections]
  const schedule = Object.entries(streams)
    .flatMap(([name, { tokens, seconds }]) =>
      tokens.map((token, i) => ({
        name,
        request: requestWith(token),
        // A random offset, so that streams do not coincide.
        at: ((i + Math.random()) / tokens.length) * seconds * 1_000,
      })),
    )
    .sort((a, b) => a.at - b.at)
  const latencies = Object.fromEntries(Object.keys(streams).map((name) => [name, []]))
  const statuses = Object.fromEntries(Object.keys(streams).map((name) => [name, {}]))
  const sending = new Map()
  const waiting = []
  let next = 0
  let responses = 0

  return new Promise((resolve, reject) => {
    const onResponse = (connection, status) => {
      const { name, dueAt } = sending.get(connection)
      sending.delete(connection)
      latencies[name].push(performance.now() - dueAt)
      statuses[name][status] = (statuses[name][status] ?? 0) + 1
      idle.push(connection)
      sendWaiting()
      if (++responses < schedule.length) return
      clearInterval(timer)
      resolve(results(latencies, statuses))
    }
    const sendWaiting = () => {
      while (waiting.length > 0 && idle.length > 0) {
        const connection = idle.pop()
        const job = waiting.shift()
        sending.set(connection, job)
        connection.send(job.request)
      }
    }
    for (const connection of connections) connection.start(onResponse, reject)
    const startedAt = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      while (next < schedule.length && schedule[next].at <= now - startedAt) {
        waiting.push({ ...schedule[next++], dueAt: now })
      }
      sendWaiting()
    }, 1)
  })
}

function results(latencies, statuses) {
  return Object.fromEntries(
    Object.entries(latencies).map(([name, values]) => {
      const sorted = values.toSorted((a, b) => a - b)
      return [
        name,
        { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), statuses: statuses[name] },
      ]
    }),
  )
}

function requestWith(token) {
  const authorization = token === null ? '' : `Authorization: Bearer ${token}\r\n`
  return Buffer.from(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${authorization}\r\n`, 'latin1')
}
