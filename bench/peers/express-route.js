/** The same route in Express. */
import { once } from 'node:events'
import express from 'express'
import { KEEP_ALIVE_MS } from '../keep-alive.js'

export async function expressRoute(protect) {
  const app = express()
  protect(app)
  app.get('/', (_request, response) => {
    response.json({ ok: true })
  })
  // The default handler of Express prints the stack of every rejection.
  app.use((error, _request, response, _next) => {
    response
      .status(error.status ?? 500)
      .set(error.headers ?? {})
      .json({ error: error.message })
  })
  const server = app.listen(0, '127.0.0.1')
  server.keepAliveTimeout = KEEP_ALIVE_MS
  await once(server, 'listening')
  return server.address().port
}
