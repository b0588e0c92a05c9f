/** Adapts the clients for one server, and for Sentinel, to one interface. */
import type {
  IoRedisLike,
  NodeRedisLike,
  NodeRedisSentinelLike,
  RedisClient,
} from './redis-client.js'
import { RedisError } from './redis-error.js'

export type RedisCommand = readonly [name: string, ...args: string[]]

/** A connection, independent of the client library. */
export interface RedisConnection {
  /** Whether the client is for a Cluster. Commands then run on the master of their first key. */
  readonly isCluster: boolean
  /**
   * Whether the client sends all commands over one connection, so that replies arrive in order, and
   * {@link onReady} reports each new connection to a server.
   */
  readonly isOneConnection: boolean
  /** Whether a command may be sent: the client is connected, or connects when it gets a command. */
  isReady(): boolean
  /** Passes a command to the client, even if the connection is not ready. */
  send(command: RedisCommand): Promise<unknown>
  /** Calls the listener each time a connection becomes ready. */
  onReady(listener: () => void): void
  /** The last error event since the last connection, loggable; `undefined` if there was none. */
  readonly lastError: string | undefined
  /** Returns a second connection, still unconnected, to the same server or a node of the Cluster. */
  duplicate(): RedisSubscriber
}

/** A connection that is dedicated to one subscription. */
export interface RedisSubscriber {
  connect(): void
  /** Calls the listener each time the connection becomes ready. */
  onReady(listener: () => void): void
  subscribe(channel: string, onMessage: (message: string) => void): Promise<unknown>
  /** The last error event since the last connection, loggable; `undefined` if there was none. */
  readonly lastError: string | undefined
  /** Closes the connection; the client does not reconnect. */
  end(): void
}

/** A subscriber that reports the loss of its connection. */
export interface NodeSubscriber extends RedisSubscriber {
  /** Calls the listener when connecting fails or the connection is lost, perhaps several times. */
  onLost(listener: () => void): void
}

/** Registers listeners of a client, independent of the client library. */
export class ClientEvents {
  readonly #client: Pick<RedisClient, 'on'>
  readonly #readyListeners: (() => void)[] = []
  #lastError: string | undefined

  constructor(client: Pick<RedisClient, 'on'>) {
    this.#client = client
    // The listener also prevents that an unhandled 'error' event ends the process.
    client.on('error', (error: unknown) => {
      this.#lastError = new RedisError(error).message
    })
    client.on('ready', () => this.emitReady())
  }

  get lastError(): string | undefined {
    return this.#lastError
  }

  onReady(listener: () => void): void {
    this.#readyListeners.push(listener)
  }

  onLost(listener: () => void): void {
    for (const event of ['close', 'end', 'reconnecting', 'error']) this.#client.on(event, listener)
  }

  protected emitReady(): void {
    this.#lastError = undefined
    for (const listener of this.#readyListeners) listener()
  }
}

/**
 * Returns the result of the call.
 *
 * @throws {RedisError} a loggable copy of any error of the client.
 */
export function withoutCommand<T>(call: () => Promise<T>): Promise<T> {
  return new Promise<T>((resolve) => resolve(call())).catch(rethrowWithoutCommand)
}

function rethrowWithoutCommand(error: unknown): never {
  throw new RedisError(error)
}

const RECONNECT_DELAY_MS = 200

export class IoRedisConnection extends ClientEvents implements RedisConnection, NodeSubscriber {
  readonly isCluster = false
  readonly isOneConnection = true
  readonly #client: IoRedisLike
  #isConnecting = false

  constructor(client: IoRedisLike) {
    super(client)
    this.#client = client
    client.on('connecting', () => {
      this.#isConnecting = true
    })
    client.on('close', () => {
      this.#isConnecting = false
    })
    client.on('end', () => {
      if (this.#isConnecting) setTimeout(() => this.#reconnect(), RECONNECT_DELAY_MS).unref()
    })
  }

  isReady(): boolean {
    const { status } = this.#client
    // 'wait': the client has the option "lazyConnect" and connects when it gets a command.
    return status === 'ready' || status === 'wait'
  }

  send([command, ...args]: RedisCommand): Promise<unknown> {
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

  /**
   * Connects again, unless the application or {@link end} has closed the client. With Sentinel and
   * the option `failoverDetector`, a client ends by itself, and stays ended, if a failover is
   * reported while it asks Sentinel for the master.
   */
  #reconnect(): void {
    // Private to the client: true once disconnect() or quit() was called.
    const { status, manuallyClosing } = this.#client as IoRedisLike & { manuallyClosing?: unknown }
    if (status === 'end' && manuallyClosing === false) this.connect()
  }
}

/** Methods that a client of node-redis for one server and one for Sentinel have in common. */
abstract class NodeRedisSubscriber extends ClientEvents implements NodeSubscriber {
  readonly #client: NodeRedisLike | NodeRedisSentinelLike

  constructor(client: NodeRedisLike | NodeRedisSentinelLike) {
    super(client)
    this.#client = client
  }

  isReady(): boolean {
    return this.#client.isReady
  }

  connect(): void {
    // Ignores a failure, because the client reconnects by itself.
    this.#client.connect().catch(() => {})
  }

  subscribe(channel: string, onMessage: (message: string) => void): Promise<unknown> {
    return withoutCommand(() => this.#client.subscribe(channel, onMessage))
  }

  end(): void {
    const { destroy, disconnect = destroy } = this.#client as NodeRedisLike
    const close = destroy ?? disconnect
    // Ignores failures: disconnect() of version 4 returns a promise, which may reject, and
    // destroy() of version 5 throws if unconnected.
    new Promise((resolve) => resolve(close?.call(this.#client))).catch(() => {})
  }
}

export class NodeRedisConnection extends NodeRedisSubscriber implements RedisConnection {
  readonly isCluster = false
  readonly isOneConnection = true
  readonly #client: NodeRedisLike

  constructor(client: NodeRedisLike) {
    super(client)
    this.#client = client
  }

  send(command: RedisCommand): Promise<unknown> {
    return withoutCommand(() => this.#client.sendCommand([...command]))
  }

  duplicate(): NodeRedisConnection {
    return new NodeRedisConnection(this.#client.duplicate())
  }
}

export class NodeRedisSentinelConnection extends NodeRedisSubscriber implements RedisConnection {
  readonly isCluster = false
  // The client reconnects to a master without an event if the master is not replaced.
  readonly isOneConnection = false
  readonly #client: NodeRedisSentinelLike

  constructor(client: NodeRedisSentinelLike) {
    super(client)
    this.#client = client
  }

  send(command: RedisCommand): Promise<unknown> {
    return withoutCommand(() => this.#client.sendCommand(false, [...command]))
  }

  duplicate(): NodeRedisSentinelConnection {
    return new NodeRedisSentinelConnection(this.#client.duplicate())
  }
}
