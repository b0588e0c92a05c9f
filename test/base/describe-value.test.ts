import t from 'tap'
import { describeValue } from '../../src/base/describe-value.js'

t.test('describes the type of a value, and short values', async (t) => {
  const cases: [unknown, string][] = [
    [undefined, 'undefined'],
    [null, 'null'],
    ['30', 'the string "30"'],
    ['', 'the string ""'],
    ['https://a.example\n', 'the string "https://a.example\\n"'],
    ['x'.repeat(41), `the string "${'x'.repeat(40)}…"`],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    [false, 'false'],
    [['a'], 'an array'],
    [{ a: 1 }, 'an object'],
    [[], 'an empty array'],
    [new Map(), 'an instance of Map'],
    [new (class {})(), 'an object'],
    [Object.create(null), 'an object'],
    [Object.create(Object.create(null)), 'an object'],
    [() => 'a', 'a function'],
    [1n, 'a bigint'],
    [Symbol('a'), 'a symbol'],
  ]
  for (const [value, text] of cases) t.equal(describeValue(value), text)
})
