import t from 'tap'
import { canParseUrl } from '../../src/base/can-parse-url.js'

t.test('agrees with new URL()', async (t) => {
  for (const text of ['https://a.example', 'https://müller.example', 'https://a.example/€']) {
    t.ok(canParseUrl(text), text)
  }
  for (const text of ['', '/a', 'https://', 'https://ü ber.example', 'https://a b']) {
    t.notOk(canParseUrl(text), text)
  }
})

t.test('resolves a relative reference against a base', async (t) => {
  t.ok(canParseUrl('/a', 'https://a.example'))
  t.ok(canParseUrl('/ä', 'https://a.example'))
  t.ok(canParseUrl('/a', 'https://ä.example'))
  t.notOk(canParseUrl('/a', 'https://ä b'))
})

t.test('accepts an internationalized host in optimized code', async (t) => {
  let failures = 0
  for (let i = 0; i < 100_000; i++) if (!canParseUrl('https://müller.example/t')) failures++
  t.equal(failures, 0)
})
