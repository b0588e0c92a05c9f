import fc from 'fast-check'
import t from 'tap'
import { isCheapToParse, readTopLevelString } from '../../src/token/json-cost.js'
import { PROVIDERS } from '../fixtures/provider-tokens.js'

t.test('classifies the claims of common issuers as cheap', async (t) => {
  for (const [issuer, { valid }] of Object.entries(PROVIDERS)) {
    for (const [name, { claims }] of Object.entries(valid)) {
      t.ok(isCheapToParse(JSON.stringify(claims, undefined, 2)), `${issuer}: ${name}`)
    }
  }
})

t.test('accepts up to 128 commas and colons, and 16 objects and arrays', async (t) => {
  const members = (count: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, 1])))
  t.ok(isCheapToParse(members(64)), '64 colons and 63 commas')
  t.notOk(isCheapToParse(members(65)), '65 colons and 64 commas')
  t.ok(isCheapToParse(`{"a":[${'1,'.repeat(126)}1]}`))
  t.notOk(isCheapToParse(`{"a":[${'1,'.repeat(128)}1]}`))
  t.ok(isCheapToParse(`{"a":${'['.repeat(15)}${']'.repeat(15)}}`))
  t.notOk(isCheapToParse(`{"a":${'['.repeat(16)}${']'.repeat(16)}}`))
  t.ok(isCheapToParse(`${'{"a":'.repeat(16)}1${'}'.repeat(16)}`))
  t.notOk(isCheapToParse(`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`))
  t.ok(isCheapToParse(`{"a":"${'x'.repeat(60_000)}"}`), 'a long string is cheap')
})

t.test('reads a top-level string without parsing the rest', async (t) => {
  for (const [json, expected] of [
    ['{"iss":"a"}', 'a'],
    ['{"x":1,"iss":"a","y":[]}', 'a'],
    [' { "iss" \t:\r\n "a" } ', 'a'],
    ['{"iss":"https:\\/\\/a.example\\/\\u0061"}', 'https://a.example/a'],
    ['{"x":{"iss":"b"},"iss":"a"}', 'a'],
    ['{"x":[{"iss":"b"},["iss","b"]],"iss":"a"}', 'a'],
    ['{"x":"iss","iss":"a"}', 'a'],
    ['{"x":"\\"iss\\":\\"b\\"","iss":"a"}', 'a'],
    ['{"x\\\\":"}","iss":"a"}', 'a'],
    ['{"x":"}{][","iss":"a"}', 'a'],
    ['{"iss":""}', ''],
    ['{"iss":"a","iss":"b"}', 'a'],
    ['{"iss":1,"iss":"b"}', undefined],
    ['{"iss":null}', undefined],
    ['{"iss":["a"]}', undefined],
    ['{"iss":{"iss":"a"}}', undefined],
    ['{"\\u0069ss":"a"}', undefined],
    ['{"ISS":"a"," iss":"a","iss ":"a"}', undefined],
    ['{"x":"iss"}', undefined],
    ['{"x":{"iss":"a"}}', undefined],
    ['["iss","a"]', undefined],
    ['{}', undefined],
    ['', undefined],
    // None of these is JSON.
    ['"iss":"a"', undefined],
    ['{"iss":"a', undefined],
    ['{"iss":"a\\', undefined],
    ['{"iss":"\\x"}', undefined],
    ['{"iss":"\n"}', undefined],
    ['{"iss', undefined],
    ['{"iss"', undefined],
    ['{"iss":', undefined],
    ['}{"iss":"a"}', undefined],
  ] as const) {
    t.equal(readTopLevelString(json, 'iss'), expected, json)
  }
})

t.test('reads the same string as JSON.parse, or rejects it', async (t) => {
  const name = fc.constantFrom('iss', 'tid', 'aud', '\\', '"', 'iss"', 'ıss')
  const object = fc.dictionary(name, fc.jsonValue())
  const json = fc
    .tuple(object, fc.constantFrom(undefined, 1, '\t'))
    .map(([value, space]) => JSON.stringify(value, undefined, space))
  fc.assert(
    fc.property(json, fc.constantFrom('iss', 'tid', 'aud'), (text, name) => {
      const value = JSON.parse(text)[name]
      return readTopLevelString(text, name) === (typeof value === 'string' ? value : undefined)
    }),
    { numRuns: 2_000 },
  )
  t.pass('for 2,000 objects')
})
