import t from 'tap'
import { nearest, unknownName } from '../../src/base/did-you-mean.js'

const KNOWN = ['issuer', 'audience', 'jwks', 'jwksUri', 'stores', 'scope', 'jti', 'constructor']

t.test('suggests the name that differs least', async (t) => {
  const rows: [string, string | undefined][] = [
    ['audiance', 'audience'],
    ['Audience', 'audience'],
    ['jwk', 'jwks'],
    ['jwksURI', 'jwksUri'],
    ['jit', 'jti'],
    ['isuser', 'issuer'],
    ['aud', 'audience'],
    ['scopes', 'scope'],
    ['storse', 'stores'],
    ['roles', undefined],
    ['', undefined],
    ['i', undefined],
    ['__proto__', undefined],
    ['x'.repeat(1_000_000), undefined],
  ]
  for (const [word, expected] of rows) t.equal(nearest(word, KNOWN), expected, word.slice(0, 20))
  t.equal(nearest('scopes', ['stores', 'clockTolerance']), undefined, 'two of six letters differ')
})

t.test('reports the unknown word, the suggestion and the known names', async (t) => {
  t.equal(
    unknownName('option % of "jwks"', 'key', ['keys', 'timeout']),
    'Unknown option "key" of "jwks". Did you mean "keys"? Known: keys, timeout',
  )
  t.equal(unknownName('flag %', '$&', ['a']), 'Unknown flag "$&". Known: a')
})
