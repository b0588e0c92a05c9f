/** Starts the servers that a reader runs in separate terminals, on free ports. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'

/** Returns distinct free ports. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** Starts it in a process group of its own, and waits for its port. `stop` ends the whole group. */
export async function serving(command, port, options) {
  const child = spawn('sh', ['-c', command], { ...options, detached: true })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk
    })
  }
  const ended = once(child, 'close')
  const stop = () => {
    if (child.exitCode === null) process.kill(-child.pid)
    return ended
  }
  const until = Date.now() + 60_000
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`"${command}" ended: ${said}`)
    if (Date.now() > until) {
      await stop()
      throw new Error(`"${command}" doesn't listen after a minute: ${said}`)
    }
    await setTimeout(50)
  }
  return { stop, said: () => said }
}

async function answers(port) {
  const socket = connect(port, 'localhost')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
