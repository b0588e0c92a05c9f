/**
 * Adapts the supported clients of Redis and Valkey to one interface. Recognizes a client by its
 * shape, because no client library is a dependency of this package.
 */

import { RedisError } from './redis-error.js'

/** Members of an ioredis or iovalkey client that the store uses. */
export interface IoRedisLike {
  readonly status: string
  call(command: string, ...args: string[]): Promise<unknown>
  duplicate(options: { lazyConnect: true; autoResubscribe: true }): IoRedisLike
  connect(): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  disconnect(): void
  // The client libraries declare different listener signatures for each event.
  // biome-ignore lint/suspicious/noExplicitAny: the arguments depend on the event
  on(event: string, listener: (...args: any[]) => void): unknown
}

/** Members of a node-redis client (`redis` 4 or later) that the store uses. */
export interface NodeRedisLike {
  readonly isReady: boolean
  sendCommand(args: string[]): Promise<unknown>
  duplicate(): NodeRedisLike
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  disconnect(): unknown
  destroy?(): unknown
  // biome-ignore lint/suspicious/noExplicitAny: the arguments depend on the event
  on(event: string, listener: (...args: any[]) => void): unknown
}

/**
 * A client of ioredis, iovalkey or node-redis, for one server or for Sentinel. A Cluster client is
 * not supported.
 */
export type RedisClient = IoRedisLike | NodeRedisLike

/** A connection, independent of the client library. */
export interface RedisConnection {
  /** Whether a command may be sent: the client is connected, or connects when it gets a command. */
  isReady(): boolean
  /** Passes a command to the client, even if the connection is not ready. */
  send(command: readonly [string, ...string[]]): Promise<unknown>
  /** Calls the listener each time the connection becomes ready. */
  onReady(listener: () => void): void
  /** Returns a second connection to the same server, still unconnected. */
  duplicate(): RedisConnection & RedisSubscriber
}

/** Methods of a connection that is dedicated to one subscription. */
export interface RedisSubscriber {
  connect(): void
  subscribe(channel: string, onMessage: (message: string) => void): Promise<unknown>
  /** Closes the connection; the client does not reconnect. */
  end(): void
}

/**
 * Returns the connection of a client.
 *
 * @throws {TypeError} if the client is not supported, is for a Cluster or has a `keyPrefix`.
 */
export function connectionOf(client: unknown): RedisConnection {
  requireSingleServer(client)
  if (isIoRedis(client)) return sharedConnection(client, () => new IoRedisConnection(client))
  if (isNodeRedis(client)) return sharedConnection(client, () => new NodeRedisConnection(client))
  throw new TypeError(
    '"client" of a Redis store must be a client of ioredis, iovalkey or redis (node-redis), such as new Redis(url)',
  )
}

/**
 * Stores with the same client share a connection, so that the client has one listener per event.
 */
const connections = new WeakMap<RedisClient, RedisConnection>()

function sharedConnection(client: RedisClient, connect: () => RedisConnection): RedisConnection {
  const connection = connections.get(client) ?? connect()
  connections.set(client, connection)
  return connection
}

function requireSingleServer(client: unknown): void {
  const { isCluster, masters, options } = (client ?? {}) as Record<string, unknown>
  if (isCluster === true || Array.isArray(masters)) {
    throw new TypeError(
      '"client" of a Redis store must be for one server or Sentinel: a Cluster is not supported',
    )
  }
  const { keyPrefix = '' } = (options ?? {}) as Record<string, unknown>
  // The client adds the prefix to keys but not to the pattern of SCAN, which would find no key.
  if (keyPrefix !== '') {
    throw new TypeError('"client" of a Redis store must have no "keyPrefix": use "prefix" instead')
  }
}

function hasMethods(client: unknown, ...methods: readonly string[]): boolean {
  const found = client as Record<string, unknown>
  return (
    typeof client === 'object' &&
    client !== null &&
    [...methods, 'duplicate', 'connect', 'subscribe', 'disconnect', 'on'].every(
      (method) => typeof found[method] === 'function',
    )
  )
}

function isIoRedis(client: unknown): client is IoRedisLike {
  return hasMethods(client, 'call') && typeof (client as IoRedisLike).status === 'string'
}

function isNodeRedis(client: unknown): client is NodeRedisLike {
  return hasMethods(client, 'sendCommand') && typeof (client as NodeRedisLike).isReady === 'boolean'
}

/** Events of a connection, independent of the client library. */
class ClientEvents {
  readonly #readyListeners: (() => void)[] = []

  constructor(client: RedisClient) {
    // Ignores errors, because an unhandled 'error' event would end the process, and each failed
    // command rejects anyway.
    client.on('error', () => {})
    client.on('ready', () => {
      for (const listener of this.#readyListeners) listener()
    })
  }

  onReady(listener: () => void): void {
    this.#readyListeners.push(listener)
  }
}

/**
 * Returns the result of the call.
 *
 * @throws {RedisError} a loggable copy of any error of the client.
 */
async function withoutCommand<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw new RedisError(error)
  }
}

class IoRedisConnection extends ClientEvents implements RedisConnection, RedisSubscriber {
  readonly #client: IoRedisLike

  constructor(client: IoRedisLike) {
    super(client)
    this.#client = client
  }

  isReady(): boolean {
    const { status } = this.#client
    // 'wait': the client has the option "lazyConnect" and connects when it gets a command.
    return status === 'ready' || status === 'wait'
  }

  send([command, ...args]: readonly [string, ...string[]]): Promise<unknown> {
    return withoutCommand(() => this.#client.call(command, ...args))
  }

  duplicate(): IoRedisConnection {
    return new IoRedisConnection(
      this.#client.duplicate({ lazyConnect: true, autoResubscribe: true }),
    )
  }

  connect(): void {
    // Ignores a failure, because the client reconnects by itself.
    this.#client.connect().catch(() => {})
  }

  subscribe(channel: string, onMessage: (message: string) => void): Promise<unknown> {
    this.#client.on('message', (_channel: string, message: string) => onMessage(message))
    return withoutCommand(() => this.#client.subscribe(channel))
  }

  end(): void {
    this.#client.disconnect()
  }
}

class NodeRedisConnection extends ClientEvents implements RedisConnection, RedisSubscriber {
  readonly #client: NodeRedisLike

  constructor(client: NodeRedisLike) {
    super(client)
    this.#client = client
  }

  isReady(): boolean {
    return this.#client.isReady
  }

  send(command: readonly [string, ...string[]]): Promise<unknown> {
    return withoutCommand(() => this.#client.sendCommand([...command]))
  }

  duplicate(): NodeRedisConnection {
    return new NodeRedisConnection(this.#client.duplicate())
  }

  connect(): void {
    // Ignores a failure, because the client reconnects by itself.
    this.#client.connect().catch(() => {})
  }

  subscribe(channel: string, onMessage: (message: string) => void): Promise<unknown> {
    return withoutCommand(() => this.#client.subscribe(channel, onMessage))
  }

  end(): void {
    const { destroy = this.#client.disconnect } = this.#client
    // Ignores failures: disconnect() of version 4 returns a promise, which may reject, and
    // destroy() of version 5 throws if unconnected.
    new Promise((resolve) => resolve(destroy.call(this.#client))).catch(() => {})
  }
}
