/**
 * Declares the members of the supported clients of Redis and Valkey that the store uses. A client is
 * recognized by its shape, because no client library is a dependency of this package.
 */

// The client libraries declare different listener signatures for each event.
// biome-ignore lint/suspicious/noExplicitAny: the arguments depend on the event
type ClientListener = (...args: any[]) => void

/** Members of an ioredis or iovalkey client that the store uses. */
export interface IoRedisLike {
  readonly status: string
  call(command: string, ...args: string[]): Promise<unknown>
  duplicate(options: { lazyConnect: true; autoResubscribe: true }): IoRedisLike
  connect(): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  disconnect(): void
  on(event: string, listener: ClientListener): unknown
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
  on(event: string, listener: ClientListener): unknown
}

/** Members of a Sentinel client of node-redis (`createSentinel()`) that the store uses. */
export interface NodeRedisSentinelLike {
  readonly isReady: boolean
  sendCommand(isReadonly: boolean, args: string[]): Promise<unknown>
  getMasterNode(): unknown
  duplicate(): NodeRedisSentinelLike
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  destroy(): unknown
  on(event: string, listener: ClientListener): unknown
}

/** Members of a Cluster client of ioredis or iovalkey that the store uses. */
export interface IoRedisClusterLike {
  readonly isCluster: boolean
  readonly status: string
  call(command: string, ...args: string[]): Promise<unknown>
  nodes(role: 'all' | 'master'): IoRedisLike[]
  on(event: string, listener: ClientListener): unknown
}

/** Members of a Cluster client of node-redis (`createCluster()`) that the store uses. */
export interface NodeRedisClusterLike {
  readonly isReady: boolean
  readonly masters: readonly { readonly client?: NodeRedisLike | undefined }[]
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
  ): Promise<unknown>
  on(event: string, listener: ClientListener): unknown
}

/**
 * A client of ioredis, iovalkey or node-redis (`redis`): for one server, for Sentinel or for a
 * Cluster.
 */
export type RedisClient =
  | IoRedisLike
  | NodeRedisLike
  | NodeRedisSentinelLike
  | IoRedisClusterLike
  | NodeRedisClusterLike

type ClientMembers = Readonly<Record<string, unknown>>

function hasMethods(client: ClientMembers, ...methods: readonly string[]): boolean {
  return methods.every((method) => typeof client[method] === 'function')
}

/**
 * Returns the kind of the client.
 *
 * @throws {TypeError} if the client is not supported, or has an option that the store does not
 *   support.
 */
export function recognize(client: unknown): RecognizedClient {
  const members = typeof client === 'object' ? ((client ?? {}) as ClientMembers) : {}
  requireSupportedOptions(members)
  const kind = kindOf(members)
  if (kind !== undefined) return { kind, client } as RecognizedClient
  throw new TypeError(
    '"client" of a Redis store must be a client of ioredis, iovalkey or redis (node-redis), such as new Redis(url)',
  )
}

export type RecognizedClient =
  | { readonly kind: 'io-redis'; readonly client: IoRedisLike }
  | { readonly kind: 'io-redis-cluster'; readonly client: IoRedisClusterLike }
  | { readonly kind: 'node-redis'; readonly client: NodeRedisLike }
  | { readonly kind: 'node-redis-sentinel'; readonly client: NodeRedisSentinelLike }
  | { readonly kind: 'node-redis-cluster'; readonly client: NodeRedisClusterLike }

function kindOf(client: ClientMembers): RecognizedClient['kind'] | undefined {
  if (hasMethods(client, 'call', 'on') && typeof client.status === 'string') {
    if (client.isCluster === true && hasMethods(client, 'nodes')) return 'io-redis-cluster'
    const methods = ['duplicate', 'connect', 'subscribe', 'disconnect']
    return hasMethods(client, ...methods) ? 'io-redis' : undefined
  }
  if (hasMethods(client, 'sendCommand', 'on') && typeof client.isReady === 'boolean') {
    if (Array.isArray(client.masters)) return 'node-redis-cluster'
    if (!hasMethods(client, 'duplicate', 'connect', 'subscribe')) return undefined
    if (hasMethods(client, 'getMasterNode', 'destroy')) return 'node-redis-sentinel'
    if (hasMethods(client, 'disconnect')) return 'node-redis'
  }
  return undefined
}

function requireSupportedOptions({ options }: ClientMembers): void {
  const { keyPrefix = '', scaleReads = 'master' } = (options ?? {}) as ClientMembers
  // The client adds the prefix to keys but not to the pattern of SCAN, which would find no key.
  if (keyPrefix !== '') {
    throw new TypeError('"client" of a Redis store must have no "keyPrefix": use "prefix" instead')
  }
  if (scaleReads !== 'master') {
    throw new TypeError(
      '"client" of a Redis store must have no "scaleReads" other than "master", because replicas lag behind and may lack revocations',
    )
  }
}
