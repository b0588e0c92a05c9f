/** Runs the API with the built package in a separate process. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { writeHeapSnapshot } from 'node:v8'
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'

let app
/** Histograms of the event loop delay, one for each half of the run. */
const histograms = []

const calls = {
  async open(options) {
    app = Fastify({ forceCloseConnections: true })
    await app.register(resourceServer, options)
    app.get('/', async (request) => ({ user: request.claims.sub }))
    app.get(
      '/admin',
      { config: { auth: { scope: ({ id }) => `never:granted:${id}` } } },
      async () => 'in',
    )
    measureEventLoop()
    return app.listen({ host: '127.0.0.1', port: 0 })
  },
  /**
   * Writes a heap snapshot, and pauses the delay histogram because writing blocks the event loop.
   */
  snapshot(file) {
    stopMeasuring()
    for (let i = 0; i < 3; i++) globalThis.gc()
    writeHeapSnapshot(file)
    measureEventLoop()
  },
  /** Returns percentiles of the event loop delay in the worse half, in milliseconds. */
  eventLoop() {
    const worst = (percent) =>
      Math.max(...histograms.map((histogram) => histogram.percentile(percent))) / 1e6
    return Object.fromEntries([50, 99, 99.9, 100].map((percent) => [percent, worst(percent)]))
  },
  statistics: () => app.resourceServer.statistics(),
}

function measureEventLoop() {
  const histogram = monitorEventLoopDelay({ resolution: 10 })
  histogram.enable()
  histograms.push(histogram)
}

function stopMeasuring() {
  histograms.at(-1).disable()
}

process.on('message', async ({ id, call, args }) => {
  try {
    process.send({ id, result: await calls[call](...args) })
  } catch (error) {
    process.send({ id, error: error.message })
  }
})
process.on('disconnect', () => process.exit())
