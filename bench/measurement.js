/**
 * Measures the paths of one file in one round: starts their servers, lets them take turns, and stops
 * them. The servers of a path take short turns one after the other, so that a disturbance of the
 * machine affects all of them. Each round has new processes, because the speed of a process depends
 * on what V8 compiled and where its heap is.
 */
import { Child } from './ipc.js'
import { mapValues } from './map-values.js'
import { rotate } from './statistics.js'

/**
 * Without the flag, V8 collects all garbage, including compiled code and type feedback, when a process
 * has been idle for eight seconds. A server waits for that long while other servers start, and on
 * Node 20 it stays 15 to 20 % slower from then on.
 */
const NODE_ARGS = ['--expose-gc', '--no-memory-reducer']

/** The number of requests in a turn. */
const TURN = 2_000

/** Marks the servers that run the plugin of another checkout (`--baseline`). */
export const BASELINE = 'baseline'

export class FileMeasurement {
  #file
  #paths
  #settings
  #options
  #client
  #servers = {}

  /** @param paths the paths of the file, by name. */
  constructor(file, paths, { settings, options, client }) {
    this.#file = file
    this.#paths = paths
    this.#settings = settings
    this.#options = options
    this.#client = client
  }

  /**
   * @returns the turns by name of path and server; and for each server, the figures that it returned
   *   itself, and its memory before and after many known tokens.
   */
  async measure() {
    try {
      const turns = {}
      await this.#start()
      for (const [name, path] of Object.entries(this.#paths)) {
        turns[name] = await this.#measurePath(path)
      }
      return {
        turns,
        servers: mapValues(this.#servers, ({ figures, memory }) => ({ figures, memory })),
      }
    } finally {
      for (const server of Object.values(this.#servers)) await server.stop()
      this.#servers = {}
    }
  }

  async #start() {
    const warmedUp = new Set()
    for (const path of Object.values(this.#paths)) {
      for (const name of serversOf(path)) {
        this.#servers[name] ??= await this.#startServer(name)
        const load = `${name} ${path.requests ?? path.operation}`
        if (!warmedUp.has(load)) await this.#warmUp(name, path)
        warmedUp.add(load)
      }
    }
  }

  async #startServer(name) {
    const { baseline, node, cpus } = this.#options
    const isBaseline = name.startsWith(`${BASELINE} `)
    const plain = isBaseline ? name.slice(BASELINE.length + 1) : name
    const server = new ServerProcess(this.#file, plain, { node, cpu: cpus?.server })
    await server.start(this.#client, {
      ...this.#settings,
      dist: isBaseline ? baseline : this.#options.dist,
    })
    return server
  }

  /** Sends requests until V8 has compiled the code. */
  async #warmUp(name, path) {
    const { warmUp } = this.#options
    const { primes, measuresMemory, turn = TURN } = path
    const server = this.#servers[name]
    const before = measuresMemory ? await server.call('memory') : undefined
    // The token cache admits a token at its second use.
    const primed = primes === undefined ? 0 : 2 * this.#settings.lists[primes].count
    // A server that has had other requests needs fewer.
    const requests = ((warmUp.requests * turn) / TURN) * (server.isWarm ? 0.2 : 1)
    const startedAt = performance.now()
    for (let sent = 0; sent < Math.max(primed, requests); sent += turn) {
      if (sent >= primed && performance.now() - startedAt > warmUp.milliseconds) break
      await server.turn({ ...this.#turnOf(name, path), count: turn })
    }
    server.isWarm = true
    if (measuresMemory) server.memory = { before, after: await server.call('memory') }
  }

  async #measurePath(path) {
    const names = serversOf(path)
    const turns = Object.fromEntries(names.map((name) => [name, []]))
    for (let slice = 0; slice < this.#options.turns; slice++) {
      for (const name of rotate(names, slice)) {
        const { statuses, ...measured } = await this.#servers[name].turn(this.#turnOf(name, path))
        turns[name].push(measured)
      }
    }
    return turns
  }

  #turnOf(name, path) {
    const { server, limits, operation, requests, limitRequests = requests, turn = TURN } = path
    const isLimit = limits.includes(name) || (path.beside?.includes(name) && name !== server)
    const isOpen = name === 'open' || name === 'express-open'
    return {
      operation,
      file: this.#file,
      requests: isLimit ? limitRequests : requests,
      count: Math.ceil(turn * this.#options.turnSize),
      milliseconds: this.#options.turnMilliseconds,
      settings: this.#settings,
      status: isOpen ? 200 : (path.statuses?.[name] ?? path.status ?? 200),
    }
  }
}

/** Returns the names of all servers of a path. */
export function serversOf({ server, limits, beside = [], baseline }) {
  return [server, ...(baseline === undefined ? [] : [baseline]), ...limits, ...beside]
}

let processes = 0

class ServerProcess {
  figures
  memory
  isWarm = false
  #name
  #child
  #client
  #port
  #sent = {}

  constructor(file, name, { node, cpu }) {
    this.#name = `${file}/${name} ${processes++}`
    this.#child = new Child(this.#name, new URL('./server.js', import.meta.url), {
      args: [file, name],
      nodeArgs: NODE_ARGS,
      node,
      cpu,
    })
  }

  async start(client, settings) {
    const { port, figures } = await this.#child.call('serve', settings)
    this.figures = figures
    this.#client = client
    this.#port = port
    if (port !== undefined) await client.call('open', { name: this.#name, port })
  }

  call(method) {
    return this.#child.call(method)
  }

  /** @returns the CPU time of a request in microseconds, and the requests per second. */
  async turn({ operation, file, requests, count, milliseconds, settings, status }) {
    const load = operation ?? requests
    const first = this.#sent[load] ?? 0
    this.#sent[load] = first + count
    const inProcess = this.#port === undefined
    const name = this.#name
    if (inProcess) await this.#child.call('prepare', { operation, count })
    else await this.#client.call('prepare', { name, file, requests, first, count, ...settings })
    const before = await this.#child.call('cpuTime')
    const { responses, seconds, statuses, p50, p99 } = inProcess
      ? { responses: count, ...(await this.#child.call('run', { operation })) }
      : await this.#client.call('load', { name, milliseconds })
    const after = await this.#child.call('cpuTime')
    if (!inProcess) this.#requireStatus(statuses, status, load)
    return {
      cpu: (after.total - before.total) / responses,
      mainThread: (after.mainThread - before.mainThread) / responses,
      perSecond: responses / seconds,
      p50,
      p99,
    }
  }

  async stop() {
    if (this.#port !== undefined) await this.#client.call('close', { name: this.#name })
    this.#child.stop()
  }

  #requireStatus(statuses, expected, load) {
    if (Object.keys(statuses).every((status) => Number(status) === expected)) return
    throw new Error(
      `${this.#name} responded with ${JSON.stringify(statuses)} to "${load}", expected ${expected}`,
    )
  }
}
