/**
 * LRU caches that ignore members of a polluted Object.prototype: lru-cache reads `ttl`, `maxEntrySize`
 * and others from the options of each call, so that inherited ones would empty a cache of revocations.
 */
import { LRUCache } from 'lru-cache'

/** One object for all calls, because lru-cache sets only `status` in it. */
const NO_OPTIONS: object = Object.assign(Object.create(null), { status: undefined })

export class BoundedCache<K extends {}, V extends {}> extends LRUCache<K, V> {
  constructor(options: LRUCache.Options<K, V, unknown>) {
    super(withoutPrototype(options))
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
    return super.set(key, value, options === undefined ? NO_OPTIONS : withoutPrototype(options))
  }
}

function withoutPrototype<T extends object>(options: T): T {
  return Object.assign(Object.create(null), options)
}
