/** Starts redis-server processes for benchmarks, without persistence. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** @returns the port, a client and a function that stops the server. */
export async function startServer(settings = []) {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'bench-redis-'))
  const defaults = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder]
  const server = spawn('redis-server', [...defaults, ...settings], { stdio: 'ignore' })
  await once(server, 'spawn')
  const admin = new Redis(port, { retryStrategy: () => 50 })
  admin.on('error', () => {})
  await admin.ping()
  const stop = async () => {
    admin.disconnect()
    const exited = once(server, 'exit')
    server.kill()
    await exited
    rmSync(folder, { recursive: true })
  }
  return { port, admin, stop }
}

/** Starts a Cluster of masters without replicas, each with the same number of slots. */
export async function startMasters(count) {
  const masters = []
  for (let i = 0; i < count; i++) {
    const bus = await freePort()
    const master = await startServer(['--cluster-enabled', 'yes', '--cluster-port', `${bus}`])
    const [from, to] = [i, i + 1].map((k) => Math.round((k * 16_384) / count))
    await master.admin.call('CLUSTER', 'SET-CONFIG-EPOCH', `${i + 1}`)
    await master.admin.call('CLUSTER', 'ADDSLOTSRANGE', `${from}`, `${to - 1}`)
    masters.push(master)
    if (i > 0) {
      await masters[0].admin.call('CLUSTER', 'MEET', '127.0.0.1', `${master.port}`, `${bus}`)
    }
  }
  for (const { admin } of masters) {
    while (!/cluster_state:ok/.test(await admin.cluster('INFO'))) await sleep(50)
  }
  return masters
}

/** @returns the CPU time that the server has used, in microseconds. */
export async function cpuTimeOf({ admin }) {
  const info = await admin.info('cpu')
  const seconds = (name) => Number(new RegExp(`^used_cpu_${name}:(.*)$`, 'm').exec(info)[1])
  return (seconds('user') + seconds('sys')) * 1e6
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  return port
}
