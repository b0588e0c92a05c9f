import t from 'tap'
import { headerValues } from '../../src/base/request-headers.js'

t.test('P1.1: returns every value of a name, in any case, in order', async (t) => {
  const rawHeaders = ['Host', 'a', 'DPoP', 'one', 'dpop', 'two', 'DPOP', 'three', 'Accept', 'DPoP']
  t.same(headerValues(rawHeaders, 'dpop'), ['one', 'two', 'three'])
  for (const name of ['DPo', 'DPoP2', 'XPoP', 'Dp\u00f6p']) {
    t.same(headerValues([name, 'x'], 'dpop'), [], name)
  }
  t.same(headerValues([], 'dpop'), [])
})
