import t from 'tap'
import { isJsonObject, parseJsonObject } from '../../src/base/json-object.js'

t.test('J11: rejects a duplicate member, at any depth and in any spelling', async (t) => {
  for (const text of [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"iss":"x","\\u0069ss":"y"}',
    '{"a\\/b":1,"a/b":2}',
    '{"":1,"":2}',
    '{"a":{"b":1,"b":2}}',
    '{"a":[{"b":1},{"b":1,"b":2}]}',
    '{"a":{"b":1},"a":{"b":1}}',
    '{"a":{"b":1,"c":2},"a":1}',
    '{"a":1, "b":2, "a" : 3}',
    '{"a\\"":1,"a\\u0022":2}',
    '{"1":1,"1":2}',
    '{"a":[],"a":[[["x:y"]]]}',
  ]) {
    t.equal(parseJsonObject(text), undefined, text)
  }
})

t.test('J11: is not confused by colons, quotes and escapes within strings', async (t) => {
  for (const text of [
    '{}',
    ' {\n"a" :\t1\r} ',
    '{"a":"b:c"}',
    '{"a:b":":"}',
    '{"a\\":\\"b":"c\\\\"}',
    '{"a\\\\":"\\\\","b":"\\\\\\":"}',
    '{"\\u003a":"\\u0022:\\u0022"}',
    '{"a":[{"a":1},{"a":[{"a":2}]}],"b":{"a":3}}',
    '{"constructor":1,"toString":2,"hasOwnProperty":3,"length":4}',
    '{"2":1,"1":2,"a":3}',
    '{"\u00e9":1,"e\u0301":2}',
  ]) {
    t.strictSame(parseJsonObject(text), JSON.parse(text), text)
  }
})

t.test('rejects JSON that is not an object', async (t) => {
  for (const text of [
    '',
    ' ',
    'null',
    'true',
    '1',
    '"{}"',
    '[]',
    '[{}]',
    '{',
    '{}}',
    '{"a":1,}',
    "{'a':1}",
    '{a:1}',
    '{"a":NaN}',
    '{"a":01}',
    '{"a":"\n"}',
    '\ufeff{}',
    '{}\u0000',
    '\u00a0{}',
    '/**/{}',
  ]) {
    t.equal(parseJsonObject(text), undefined, JSON.stringify(text))
  }
})

t.test('rejects __proto__ at any depth', async (t) => {
  t.equal(parseJsonObject('{"__proto__":{"admin":true}}'), undefined)
  t.equal(parseJsonObject('{"\\u005f_proto__":1}'), undefined)
  t.equal(parseJsonObject('{"a":[{"b":{"__proto__":null}}]}'), undefined)
  t.strictSame(parseJsonObject('{"a":"__proto__"}'), { a: '__proto__' }, 'allowed as a value')
})

t.test(
  'rejects a depth that could exhaust the stack, and accepts the depth of real tokens',
  async (t) => {
    const arrays = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
    const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    t.ok(parseJsonObject(arrays(32)))
    t.equal(parseJsonObject(arrays(33)), undefined)
    t.ok(parseJsonObject(objects(33)))
    t.equal(parseJsonObject(objects(34)), undefined)
    t.equal(parseJsonObject(arrays(10_000)), undefined)
    t.equal(parseJsonObject(objects(10_000)), undefined)
    t.equal(parseJsonObject(arrays(1_000_000)), undefined)
  },
)

t.test('freezes the result deeply', async (t) => {
  const object = parseJsonObject('{"a":{"b":[{"c":1}]}}') as { a: { b: [{ c: number }] } }
  for (const part of [object, object.a, object.a.b, object.a.b[0]]) t.ok(Object.isFrozen(part))
  t.throws(() => {
    object.a.b[0].c = 2
  }, TypeError)
})

t.test('distinguishes objects from other JSON values', async (t) => {
  t.ok(isJsonObject({}))
  for (const value of [null, [], 'x', 1, true, undefined]) t.notOk(isJsonObject(value))
})
