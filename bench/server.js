/** One row: a server in a process of its own, so that no row warms or litters another's heap. */
import { answer } from './ipc.js'

const { serve } = await import(`./rows/${process.argv[2]}.js`)

answer({
  async serve(settings) {
    return { port: await serve(settings) }
  },
  /** Microseconds of all threads since the process began. */
  cpu() {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  memory() {
    globalThis.gc()
    globalThis.gc()
    const { rss, heapUsed } = process.memoryUsage()
    return { rss, heapUsed }
  },
})
