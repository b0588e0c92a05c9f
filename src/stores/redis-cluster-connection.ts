/**
 * Adapts the Cluster clients to the interface of a connection. The clients find the master of a key
 * and follow its redirections (MOVED, ASK). The store sends no command without a key, except
 * PUBLISH, which a Cluster forwards from any node to all others.
 */
import type {
  IoRedisClusterLike,
  IoRedisLike,
  NodeRedisClusterLike,
  NodeRedisLike,
} from './redis-client.js'
import { ClusterSubscriber } from './redis-cluster-subscriber.js'
import {
  ClientEvents,
  IoRedisConnection,
  NodeRedisConnection,
  type NodeSubscriber,
  type RedisCommand,
  type RedisConnection,
  withoutCommand,
} from './redis-connection.js'

export class IoRedisClusterConnection extends ClientEvents implements RedisConnection {
  readonly isCluster = true
  readonly isOneConnection = false
  readonly #client: IoRedisClusterLike

  constructor(client: IoRedisClusterLike) {
    super(client)
    this.#client = client
    for (const node of client.nodes('all')) this.#observe(node)
    client.on('+node', (node: IoRedisLike) => this.#observe(node))
  }

  isReady(): boolean {
    const { status } = this.#client
    return status === 'ready' || status === 'wait'
  }

  send([command, ...args]: RedisCommand): Promise<unknown> {
    // iovalkey finds the keys of a command in lower case only.
    return withoutCommand(() => this.#client.call(command.toLowerCase(), ...args))
  }

  duplicate(): ClusterSubscriber {
    return new ClusterSubscriber(() => this.#connectToAnyNode())
  }

  #observe(node: IoRedisLike): void {
    node.on('ready', () => {
      if (this.isReady()) this.emitReady()
    })
  }

  #connectToAnyNode(): NodeSubscriber | undefined {
    const node = anyOf(this.#client.nodes('master'))
    return node && new IoRedisConnection(node).duplicate()
  }
}

export class NodeRedisClusterConnection extends ClientEvents implements RedisConnection {
  readonly isCluster = true
  readonly isOneConnection = false
  readonly #client: NodeRedisClusterLike

  constructor(client: NodeRedisClusterLike) {
    super(client)
    this.#client = client
    for (const event of ['connect', 'node-ready']) {
      client.on(event, () => {
        // Nodes are ready before the client knows all of them.
        if (this.isReady()) this.emitReady()
      })
    }
  }

  isReady(): boolean {
    return this.#client.isReady
  }

  send(command: RedisCommand): Promise<unknown> {
    return withoutCommand(() => this.#client.sendCommand(firstKeyOf(command), false, [...command]))
  }

  duplicate(): ClusterSubscriber {
    return new ClusterSubscriber(() => this.#connectToAnyNode())
  }

  #connectToAnyNode(): NodeSubscriber | undefined {
    const clients = this.#client.masters.map(({ client }) => client)
    const node = anyOf(
      clients.filter((client): client is NodeRedisLike => client?.isReady === true),
    )
    return node && new NodeRedisConnection(node).duplicate()
  }
}

function firstKeyOf([name, ...args]: RedisCommand): string | undefined {
  if (name === 'PUBLISH') return undefined
  // The arguments of a script are its text or hash, the number of keys, and the keys.
  return name === 'EVALSHA' || name === 'EVAL' ? args[2] : args[0]
}

function anyOf<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(Math.random() * items.length)]
}
