import t from 'tap'
import { ConfigFingerprints } from '../../src/issuer/config-fingerprint.js'

t.test('gives equal options the same fingerprint', async (t) => {
  const identities = new ConfigFingerprints()
  const fetch = () => {}
  const store = new (class Store {})()
  for (const make of [
    () => true,
    () => ({}),
    () => ({ audience: ['a', 'b'], jwks: { timeout: 5, fetch, store } }),
    () => ({ secret: new Uint8Array([1, 2, 3]) }),
    () => ({ secret: Buffer.from('secret') }),
    () => Object.assign(Object.create(null), { a: 1n, b: null, c: undefined }),
    () => fetch,
  ]) {
    t.equal(identities.fingerprint(make()), identities.fingerprint(make()))
  }
})

t.test('gives different options different fingerprints', async (t) => {
  const identities = new ConfigFingerprints()
  class Store {
    toJSON() {
      return {}
    }
  }
  const resolutions: unknown[] = [
    true,
    'true',
    1,
    {},
    { audience: 'a' },
    { audience: ['a'] },
    { audience: undefined },
    { audience: null },
    { timeout: Number.NaN },
    { timeout: Number.POSITIVE_INFINITY },
    { timeout: 5 },
    { timeout: '5' },
    { timeout: 5n },
    { timeout: '5n' },
    { timeout: 'number 5' },
    { secret: new Uint8Array([1]) },
    { secret: new Uint8Array([2]) },
    { fetch: () => {} },
    { fetch: () => {} },
    { '': () => {} },
    { '': () => {} },
    { store: new Store() },
    { store: new Store() },
    { store: { '#': 0 } },
    { store: 'object 0' },
    { store: { toJSON: () => ({}) } },
    Symbol('a'),
    () => {},
  ]
  t.equal(
    new Set(resolutions.map((resolution) => identities.fingerprint(resolution))).size,
    resolutions.length,
  )
})

t.test('does not reveal a secret in the fingerprint', async (t) => {
  t.match(new ConfigFingerprints().fingerprint({ secret: 'hidden'.repeat(9) }), /^[\w-]{43}$/)
})

t.test('throws a TypeError for options that contain themselves', async (t) => {
  const resolution: Record<string, unknown> = {}
  resolution.self = resolution
  t.throws(() => new ConfigFingerprints().fingerprint(resolution), TypeError)
})
