/** Sends requests to the API over keep-alive connections. */
import { Agent, request } from 'node:http'

export class Client {
  #port
  #agent

  constructor(port, maxConnections = Number.POSITIVE_INFINITY) {
    this.#port = port
    this.#agent = new Agent({ keepAlive: true, maxSockets: maxConnections })
  }

  /** Returns the status (or the code of a network error), `Retry-After`, and the duration. */
  get = (token) => {
    const startedAt = performance.now()
    return new Promise((resolve) => {
      const settle = (status, retryAfter) =>
        resolve({ status, retryAfter, durationMs: performance.now() - startedAt })
      request({
        host: '127.0.0.1',
        port: this.#port,
        agent: this.#agent,
        headers: { authorization: `Bearer ${token}` },
      })
        .on('response', (response) => {
          response.resume()
          response.on('end', () => settle(response.statusCode, response.headers['retry-after']))
          response.on('error', (error) => settle(error.code))
        })
        .on('error', (error) => settle(error.code))
        .end()
    })
  }

  close() {
    this.#agent.destroy()
  }
}
