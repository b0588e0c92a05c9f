/** A Fastify API in its own process, controlled by messages. */
import Fastify from 'fastify'
import { Clock } from './clock.js'
import * as memory from './resident-memory.js'

let app
let clock
let guarded

const calls = {
  /** Replaces the previous API with a new one that has empty caches. */
  async open(subject, { still, ...options }) {
    await app?.close()
    clock = new Clock({ still })
    const { guard } = await import(`./guard-${subject}.js`)
    app = Fastify({ logger: false, forceCloseConnections: true })
    guarded = await guard(app, { ...options, clock })
    app.get('/', async () => 'ok')
    await app.listen({ host: '127.0.0.1', port: 0 })
    return app.server.address().port
  },
  close: () => app.close(),
  advance: (milliseconds) => clock.advance(milliseconds),
  status: () => guarded.status(),
  refresh: () => guarded.refresh(),
  watchMemory: () => memory.watch((words) => process.send(words)),
  memoryGrown: () => memory.grown(),
}

process.on('message', async ({ id, call, args }) => {
  try {
    process.send({ id, result: await calls[call](...args) })
  } catch (error) {
    process.send({ id, error: error.message })
  }
})
process.on('disconnect', () => process.exit())
