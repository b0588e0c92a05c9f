import t from 'tap'
import { claimAt } from '../../src/policy/claim-requirement.js'

t.test('finds a claim at a dotted path, the longest name first', async (t) => {
  const claims = { a: { b: 1, 'b.c': 2 }, 'a.b': { c: 3 }, 'x.y': 4 }
  t.equal(claimAt(claims, 'a.b.c'), 3)
  t.equal(claimAt({ a: claims.a }, 'a.b.c'), 2)
  t.equal(claimAt(claims, 'x.y'), 4)
  for (const path of ['axb', 'axb.c', 'ab', 'a.', '.a', 'a.toString', 'a.b.c.d']) {
    t.equal(claimAt(claims, path), undefined, path)
  }
})
