/**
 * One server of a path, in a process of its own, so that servers share no heap and no compiled code.
 *
 *     node bench/server.js FILE SERVER
 *
 * FILE is a module of `paths/` and SERVER a key of its `servers`: a function that adds a plugin, a
 * hook or routes to the app. It may return `figures`, and either the port of another HTTP server or
 * `operations`, which run in this process.
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import Fastify from 'fastify'
import { cpuTime } from './cpu-time.js'
import { serveCalls } from './ipc.js'
import { KEEP_ALIVE_MS } from './keep-alive.js'

const [file, name] = process.argv.slice(2)
const { servers } = await import(`./paths/${file}.js`)
let operations
let input

serveCalls({
  /** @param dist the folder of the built plugin. */
  async serve({ dist, ...settings }) {
    const app = Fastify({ keepAliveTimeout: KEEP_ALIVE_MS })
    const load = (entry) => import(pathToFileURL(resolve(dist, entry)).href)
    const served = (await servers[name]({ ...settings, app, load })) ?? {}
    operations = served.operations
    const { figures } = served
    if (operations !== undefined) return { figures }
    return { figures, port: served.port ?? (await listen(app)) }
  },
  /** Prepares the input of an operation, which `run` does not measure. */
  async prepare({ operation, count }) {
    input = await operations[operation].prepare(count)
  },
  async run({ operation }) {
    const startedAt = performance.now()
    await operations[operation].run(input)
    return { seconds: (performance.now() - startedAt) / 1_000 }
  },
  /** Returns the CPU time since the process started, in microseconds. */
  async cpuTime() {
    const { total, mainThread } = cpuTime()
    return { total: total + ((await operations?.cpuOfOthers?.()) ?? 0), mainThread }
  },
  memory() {
    globalThis.gc()
    globalThis.gc()
    const { rss, heapUsed } = process.memoryUsage()
    return { rss, heapUsed }
  },
})

async function listen(app) {
  if (!app.hasRoute({ method: 'GET', url: '/' })) app.get('/', async () => ({ ok: true }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app.server.address().port
}
