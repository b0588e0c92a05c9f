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

t.test('a polluted Object.prototype makes no cache forget', async (t) => {
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
