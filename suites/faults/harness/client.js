/** A client of the API with keep-alive connections. */
import { Agent, request } from 'node:http'

export class Client {
  #port
  #agent

  constructor(port, connections = Number.POSITIVE_INFINITY) {
    this.#port = port
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
  }

  /** Returns the status (or the code of a network error), `Retry-After`, and the duration in ms. */
  get = (token) => {
    const begun = performance.now()
    return new Promise((resolve) => {
      const answered = (status, retryAfter) =>
        resolve({ status, retryAfter, took: performance.now() - begun })
      request({
        host: '127.0.0.1',
        port: this.#port,
        agent: this.#agent,
        headers: { authorization: `Bearer ${token}` },
      })
        .on('response', (response) => {
          response.resume()
          response.on('end', () => answered(response.statusCode, response.headers['retry-after']))
          response.on('error', (error) => answered(error.code))
        })
        .on('error', (error) => answered(error.code))
        .end()
    })
  }

  close() {
    this.#agent.destroy()
  }
}
