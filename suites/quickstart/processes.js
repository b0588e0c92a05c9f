/** Starts the servers of the README on free ports. */
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

/**
 * Starts the command in a separate process group, and waits until it listens on the port. `stop` ends
 * the whole group, because npx starts child processes.
 *
 * @throws {Error} if the command ends, or does not listen within a minute.
 */
export async function startServer(command, port, options) {
  const child = spawn('sh', ['-c', command], { ...options, detached: true })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const ended = once(child, 'close')
  const stop = () => {
    if (child.exitCode === null) process.kill(-child.pid)
    return ended
  }
  const deadline = Date.now() + 60_000
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`"${command}" ended: ${output}`)
    if (Date.now() > deadline) {
      await stop()
      throw new Error(`"${command}" does not listen on port ${port} after a minute: ${output}`)
    }
    await setTimeout(50)
  }
  return { stop }
}

async function isListening(port) {
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
