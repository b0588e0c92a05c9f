/**
 * Implements an LRU cache that allocates memory on demand. lru-cache itself preallocates memory for
 * `max` entries, which would take most of the time needed to register the plugin.
 *
 * The cache ignores a polluted Object.prototype. Otherwise, inherited values could empty a cache of
 * revoked tokens, because lru-cache reads `ttl`, `maxEntrySize` and other options on each call.
 */
import { LRUCache } from 'lru-cache'

/**
 * Shared by all calls. lru-cache writes `status`, which contains a key and a value if the
 * application subscribes to the diagnostics channel of lru-cache. The setter drops it: otherwise this
 * object would keep them alive.
 */
const NO_OPTIONS: object = Object.create(null, {
  status: { get: () => undefined, set: () => {} },
})

export interface BoundedCacheOptions<K, V>
  extends Pick<LRUCache.Options<K, V, unknown>, 'dispose' | 'sizeCalculation'> {
  /** Maximum number of entries. */
  readonly max: number
  /** Maximum sum of the entries' sizes. If set, each entry must have a size. Default: no limit. */
  readonly maxSize?: number
}

export class BoundedCache<K extends {}, V extends {}> extends LRUCache<K, V> {
  readonly #max: number

  constructor(options: BoundedCacheOptions<K, V>) {
    const { max, ...rest } = withoutPrototype(options)
    super(withoutPrototype({ maxSize: max, sizeCalculation: () => 1, ...rest }))
    this.#max = max
  }

  override get(key: K): V | undefined {
    return super.get(key, NO_OPTIONS)
  }

  override peek(key: K): V | undefined {
    return super.peek(key, NO_OPTIONS)
  }

  override has(key: K): boolean {
    return super.has(key, NO_OPTIONS)
  }

  override set(key: K, value: V, options?: LRUCache.SetOptions<K, V, unknown>): this {
    super.set(key, value, options === undefined ? NO_OPTIONS : withoutPrototype(options))
    if (this.size > this.#max) this.pop()
    return this
  }
}

function withoutPrototype<T extends object>(options: T): T {
  return Object.assign(Object.create(null), options)
}
