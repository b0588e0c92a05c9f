import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { BoundedCache } from '../../src/base/bounded-cache.js'

const POLLUTION = {
  ttl: 1,
  start: 1,
  maxEntrySize: 1,
  size: 100,
  sizeCalculation: () => 100,
  noUpdateTTL: true,
  allowStale: true,
  updateAgeOnGet: true,
  status: {},
}

t.test('ignores a polluted Object.prototype', async (t) => {
  for (const [name, value] of Object.entries(POLLUTION)) {
    const before = new BoundedCache<string, object>({ max: 10, maxSize: 50 })
    Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
    let kept: unknown[]
    try {
      const after = new BoundedCache<string, object>({ max: 10 })
      before.set('a', {}, { size: 1 })
      after.set('b', {})
      await new Promise((done) => setTimeout(done, 10))
      kept = [before.get('a'), before.peek('a'), before.has('a'), after.get('b'), after.has('b')]
    } finally {
      Reflect.deleteProperty(Object.prototype, name)
    }
    t.same(kept, [{}, {}, true, {}, true], name)
  }
})

t.test('evicts the least recently used entry beyond max', (t) => {
  const left: string[] = []
  const cache = new BoundedCache<string, number>({ max: 2, dispose: (_, key) => left.push(key) })
  cache.set('a', 1).set('b', 2)
  cache.get('a')
  cache.set('c', 3)
  t.strictSame([...cache.keys()], ['c', 'a'])
  cache.set('a', 4)
  t.strictSame([...cache.keys()], ['a', 'c'], 'replacing an entry evicts no other one')
  t.strictSame(left, ['b', 'a'])
  t.end()
})

t.test('evicts entries beyond max or maxSize', (t) => {
  const cache = new BoundedCache<string, number>({
    max: 3,
    maxSize: 100,
    sizeCalculation: (n) => n,
  })
  cache.set('a', 1).set('b', 1).set('c', 1).set('d', 1)
  t.strictSame([...cache.keys()], ['d', 'c', 'b'], 'by number')
  cache.set('e', 99)
  t.strictSame([...cache.keys()], ['e', 'd'], 'by size')
  cache.set('f', 101)
  t.strictSame([...cache.keys()], ['e', 'd'], 'an entry above maxSize is not stored')
  t.end()
})

t.test('preallocates no memory', (t) => {
  const before = process.memoryUsage().heapUsed
  const caches = Array.from({ length: 20 }, () => new BoundedCache({ max: 1_000_000 }))
  t.equal(caches.length, 20)
  t.ok(process.memoryUsage().heapUsed - before < 50_000_000)
  t.end()
})

t.test('keeps no entry alive while the application observes lru-cache', async (t) => {
  const seen: unknown[] = []
  const observe = (message: unknown) => seen.push(message)
  subscribe('lru-cache:metrics', observe)
  const cache = new BoundedCache<string, { secret: string }>({ max: 2 })
  cache.set('key', { secret: 'x' })
  cache.get('key')
  t.match(seen.at(-1), { op: 'get', key: 'key' })
  unsubscribe('lru-cache:metrics', observe)
  cache.get('other')
  t.match(seen.at(-1), { key: 'key' }, 'a later call has no access to an earlier message')
})
