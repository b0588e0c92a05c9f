/** The server of one row, in a separate process so that rows share no heap and no compiled code. */
import { cpuTime } from './cpu-time.js'
import { serveCalls } from './ipc.js'

const { serve } = await import(`./rows/${process.argv[2]}.js`)

serveCalls({
  async serve(settings) {
    return { port: await serve(settings) }
  },
  /** Returns the CPU time of all threads since the process started, in microseconds. */
  cpu: () => cpuTime().total,
  cpuTime,
  memory() {
    globalThis.gc()
    globalThis.gc()
    const { rss, heapUsed } = process.memoryUsage()
    return { rss, heapUsed }
  },
})
