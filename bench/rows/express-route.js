/** The same route in Express. */
import { once } from 'node:events'
import express from 'express'

export async function expressRoute(protect) {
  const app = express()
  protect(app)
  app.get('/', (_request, response) => {
    response.json({ ok: true })
  })
  // Express's own handler prints the stack of every refusal.
  app.use((error, _request, response, _next) => {
    response
      .status(error.status ?? 500)
      .set(error.headers ?? {})
      .json({ error: error.message })
  })
  const server = app.listen(0, '127.0.0.1')
  // As long as Fastify's: others may have their turn for longer than the five seconds of Node's.
  server.keepAliveTimeout = 72_000
  await once(server, 'listening')
  return server.address().port
}
