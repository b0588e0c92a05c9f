/** The API with the package as built, in its own process. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { writeHeapSnapshot } from 'node:v8'
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'

let app
/** Histograms of the event loop delay, one for each half of the run. */
const delays = []

const calls = {
  async open(options) {
    app = Fastify({ forceCloseConnections: true })
    await app.register(resourceServer, options)
    app.get('/', async (request) => ({ user: request.claims.sub }))
    app.get('/admin', { config: { auth: { scope: 'never:granted' } } }, async () => 'in')
    watchEventLoop()
    return app.listen({ host: '127.0.0.1', port: 0 })
  },
  /** Blocks the event loop, so the delay is not measured meanwhile. */
  snapshot(file) {
    stopWatching()
    for (let i = 0; i < 3; i++) globalThis.gc()
    writeHeapSnapshot(file)
    watchEventLoop()
  },
  /** Returns percentiles of the event loop delay in the worse half, in milliseconds. */
  eventLoop() {
    const worst = (percent) => Math.max(...delays.map((delay) => delay.percentile(percent))) / 1e6
    return Object.fromEntries([50, 99, 99.9, 100].map((percent) => [percent, worst(percent)]))
  },
  statistics: () => app.resourceServer.statistics(),
}

function watchEventLoop() {
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  delays.push(delay)
}

function stopWatching() {
  delays.at(-1).disable()
}

process.on('message', async ({ id, call, args }) => {
  try {
    process.send({ id, result: await calls[call](...args) })
  } catch (error) {
    process.send({ id, error: error.message })
  }
})
process.on('disconnect', () => process.exit())
