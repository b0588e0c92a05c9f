/** Runs a Fastify API in a separate process, controlled by messages. */
import Fastify from 'fastify'
import { Clock } from './clock.js'
import * as memory from './resident-memory.js'

let app
let clock
let control

const calls = {
  /** Replaces the previous API with a new one that has empty caches. */
  async open(subject, { frozen, ...options }) {
    await app?.close()
    clock = new Clock({ frozen })
    const { protect } = await import(`./guard-${subject}.js`)
    app = Fastify({ logger: false, forceCloseConnections: true })
    control = await protect(app, { ...options, clock })
    app.get('/', async () => 'ok')
    await app.listen({ host: '127.0.0.1', port: 0 })
    return app.server.address().port
  },
  close: () => app.close(),
  advance: (milliseconds) => clock.advance(milliseconds),
  status: () => control.status(),
  refresh: () => control.refresh(),
  measureMemory: () => memory.startMeasuring((message) => process.send(message)),
  memoryGrowth: () => memory.growth(),
}

process.on('message', async ({ id, call, args }) => {
  try {
    process.send({ id, result: await calls[call](...args) })
  } catch (error) {
    process.send({ id, error: error.message })
  }
})
process.on('disconnect', () => process.exit())
