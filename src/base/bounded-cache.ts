/**
 * Implements an LRU cache that allocates memory on demand. lru-cache itself preallocates memory for
 * `max` entries, which would take most of the time needed to register the plugin.
 *
 * The cache ignores a polluted Object.prototype. Otherwise, inherited values could empty a cache of
 * revoked tokens, because lru-cache reads `ttl`, `maxEntrySize` and other options on each call.
 */
import { LRUCache } from 'lru-cache'

const written: { status: unknown } = Object.assign(Object.create(null), { status: undefined })

/** Shared by all calls, which is safe because lru-cache writes only its member `status`. */
const NO_OPTIONS: object = written

/**
 * Drops the `status` that lru-cache wrote, which contains a key and a value if the application
 * subscribes to the diagnostics channel of lru-cache. Otherwise, the shared object would keep them
 * alive.
 */
function withoutStatus<T>(result: T): T {
  if (written.status !== undefined) written.status = undefined
  return result
}

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
    return withoutStatus(super.get(key, NO_OPTIONS))
  }

  override peek(key: K): V | undefined {
    return withoutStatus(super.peek(key, NO_OPTIONS))
  }

  override has(key: K): boolean {
    return withoutStatus(super.has(key, NO_OPTIONS))
  }

  override set(key: K, value: V, options?: LRUCache.SetOptions<K, V, unknown>): this {
    withoutStatus(
      super.set(key, value, options === undefined ? NO_OPTIONS : withoutPrototype(options)),
    )
    if (this.size > this.#max) this.pop()
    return this
  }
}

function withoutPrototype<T extends object>(options: T): T {
  return Object.assign(Object.create(null), options)
}
