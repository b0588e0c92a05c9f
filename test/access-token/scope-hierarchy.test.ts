/** The option `scopeImplies`. */
import fc from 'fast-check'
import t from 'tap'
import { resolveScopeImplies } from '../../src/access-token/scope-hierarchy.js'

const granted = (scope: string) => new Set(scope.split(' '))

function hierarchy(option: unknown) {
  const resolved = resolveScopeImplies(option)
  if (resolved === undefined) throw new Error('no hierarchy')
  return resolved
}

t.test('a broader scope implies narrower ones, transitively', async (t) => {
  const scopes = hierarchy({ admin: ['orders'], orders: 'orders:read orders:write', audit: 'logs' })
  t.ok(scopes.isImplied('orders:read', granted('orders')))
  t.ok(scopes.isImplied('orders:write', granted('x admin')))
  t.notOk(scopes.isImplied('orders', granted('orders:read orders:write')), 'not upward')
  t.notOk(scopes.isImplied('logs', granted('admin')), 'not sideways')
  t.notOk(scopes.isImplied('unknown', granted('admin')))
})

t.test('members that objects inherit imply nothing', async (t) => {
  const scopes = hierarchy({ admin: ['orders'] })
  for (const name of ['constructor', '__proto__', 'toString']) {
    t.notOk(scopes.isImplied(name, granted('admin')), name)
    t.notOk(scopes.isImplied('orders', granted(name)), name)
  }
  const own = hierarchy(JSON.parse('{"__proto__":["orders"]}'))
  t.ok(own.isImplied('orders', granted('__proto__')), 'unless it is a scope token of the option')
})

t.test('a later change of the option has no effect', async (t) => {
  const option = { admin: ['orders'] }
  const scopes = hierarchy(option)
  option.admin.push('secrets')
  t.notOk(scopes.isImplied('secrets', granted('admin')))
})

t.test('without the option there is no hierarchy', async (t) => {
  t.equal(resolveScopeImplies(undefined), undefined)
})

t.test('cycles are rejected', async (t) => {
  for (const option of [
    { a: 'a' },
    { a: 'b', b: 'a' },
    { a: ['x', 'b'], b: 'c', c: ['d', 'a'] },
    { start: 'b', b: 'c', c: 'b' },
  ]) {
    t.throws(() => hierarchy(option), { name: 'TypeError', message: /has a cycle: "\w" implies/ })
  }
  t.doesNotThrow(() => hierarchy({ a: ['b', 'c'], b: 'd', c: 'd' }), 'two paths are no cycle')
})

t.test('invalid entries are rejected', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`s${i}`, 'x']))
  for (const option of [null, true, 'admin', ['admin'], new Map([['a', 'b']]), many]) {
    t.throws(() => hierarchy(option), { message: /must be an object with at most 1000 scope/ })
  }
  const wrong = ['', ' ', 'a  b', [], [''], ['a b'], ['"'], ['\\'], ['é'], [1], 7, null, {}]
  for (const implied of wrong) {
    t.throws(() => hierarchy({ admin: implied }), { message: /invalid entry for "admin"/ })
  }
  for (const token of ['', 'a b', 'a"b', 'ü']) {
    t.throws(() => hierarchy({ [token]: 'x' }), { message: /invalid entry for "/ })
  }
})

t.test('100 levels, and 1,000 scopes that imply 100 each, compile once', async (t) => {
  const chain = hierarchy(
    Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`s${i}`, `s${i + 1}`])),
  )
  t.ok(chain.isImplied('s100', granted('s0')))
  t.notOk(chain.isImplied('s0', granted('s100')))
  const narrow = Array.from({ length: 100 }, (_, i) => `n${i}`)
  const wide = hierarchy(
    Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`b${i}`, narrow])),
  )
  t.ok(wide.isImplied('n99', granted('b999')))
})

t.test('agrees with a naive closure of any hierarchy', async (t) => {
  const token = fc.constantFrom(...'abcdefgh')
  const scopes = fc.dictionary(token, fc.array(token, { minLength: 1, maxLength: 4 }))
  let [accepted, rejected] = [0, 0]
  fc.assert(
    fc.property(scopes, fc.uniqueArray(token), token, (option, granted, required) => {
      const closure = (from: string, seen = new Set<string>()): Set<string> => {
        for (const next of option[from] ?? []) {
          if (!seen.has(next)) closure(next, seen.add(next))
        }
        return seen
      }
      if (Object.keys(option).some((key) => closure(key).has(key))) {
        rejected++
        t.throws(() => hierarchy(option), /has a cycle/)
        return
      }
      accepted++
      const expected = granted.some((item) => closure(item).has(required))
      if (hierarchy(option).isImplied(required, new Set(granted)) !== expected) {
        throw new Error(JSON.stringify({ option, granted, required, expected }))
      }
    }),
    { numRuns: 2_000 },
  )
  t.ok(accepted > 100 && rejected > 100, `${accepted} hierarchies, ${rejected} cycles`)
})
