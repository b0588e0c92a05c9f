/** Returns the connection of a client of Redis or Valkey. */
import { type RecognizedClient, type RedisClient, recognize } from './redis-client.js'
import { IoRedisClusterConnection, NodeRedisClusterConnection } from './redis-cluster-connection.js'
import {
  IoRedisConnection,
  NodeRedisConnection,
  NodeRedisSentinelConnection,
  type RedisConnection,
} from './redis-connection.js'

/**
 * Stores with the same client share a connection, so that the client has one listener per event.
 */
const connections = new WeakMap<RedisClient, RedisConnection>()

/**
 * Returns the connection of a client.
 *
 * @throws {TypeError} if the client is not supported, or has an option that the store does not
 *   support.
 */
export function connectionOf(client: unknown): RedisConnection {
  const recognized = recognize(client)
  const connection = connections.get(recognized.client) ?? connect(recognized)
  connections.set(recognized.client, connection)
  return connection
}

function connect({ kind, client }: RecognizedClient): RedisConnection {
  switch (kind) {
    case 'io-redis':
      return new IoRedisConnection(client)
    case 'io-redis-cluster':
      return new IoRedisClusterConnection(client)
    case 'node-redis':
      return new NodeRedisConnection(client)
    case 'node-redis-sentinel':
      return new NodeRedisSentinelConnection(client)
    case 'node-redis-cluster':
      return new NodeRedisClusterConnection(client)
  }
}
