/** Runs the measurements that need no HTTP server, each in a separate process. */
import { importTimes } from './in-process/import-time.js'
import { Child } from './ipc.js'

export async function measureInProcess({ quick, cpus }) {
  const inChild = async (name) => {
    console.error(`in process: ${name}`)
    const script = new URL(`./in-process/${name}.js`, import.meta.url)
    const child = new Child(name, script, { nodeArgs: ['--expose-gc'], cpu: cpus?.server })
    try {
      return await child.call('measure', { quick })
    } finally {
      child.stop()
    }
  }
  return {
    verify: await inChild('verify'),
    scaling: await inChild('scaling'),
    dpop: await inChild('dpop'),
    importTime: await importTimes({ rounds: quick ? 5 : 25, cpu: cpus?.server }),
  }
}
