/**
 * LRU caches that take memory for the entries they have: lru-cache allocates `max` entries ahead,
 * which took most of the time of a registration.
 *
 * They ignore members of a polluted Object.prototype: lru-cache reads `ttl`, `maxEntrySize` and others
 * from the options of each call, so that inherited ones would empty a cache of revocations.
 */
import { LRUCache } from 'lru-cache'

/** One object for all calls, because lru-cache sets only `status` in it. */
const NO_OPTIONS: object = Object.assign(Object.create(null), { status: undefined })

export interface BoundedCacheOptions<K, V>
  extends Pick<LRUCache.Options<K, V, unknown>, 'dispose' | 'sizeCalculation'> {
  /** The most entries that it holds. */
  readonly max: number
  /** The largest sum of sizes; then every entry needs a size. Default: no limit. */
  readonly maxSize?: number
}

export class BoundedCache<K extends {}, V extends {}> extends LRUCache<K, V> {
  readonly #max: number

  constructor(options: BoundedCacheOptions<K, V>) {
    const { max, ...own } = withoutPrototype(options)
    super(withoutPrototype({ maxSize: max, sizeCalculation: () => 1, ...own }))
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
