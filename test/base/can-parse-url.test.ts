import t from 'tap'
import { canParseUrl } from '../../src/base/can-parse-url.js'

t.test('a URL is parsed as new URL() parses it', async (t) => {
  for (const text of ['https://a.example', 'https://müller.example', 'https://a.example/€']) {
    t.ok(canParseUrl(text), text)
  }
  for (const text of ['', '/a', 'https://', 'https://ü ber.example', 'https://a b']) {
    t.notOk(canParseUrl(text), text)
  }
})

t.test('a relative reference is parsed against a base', async (t) => {
  t.ok(canParseUrl('/a', 'https://a.example'))
  t.ok(canParseUrl('/ä', 'https://a.example'))
  t.ok(canParseUrl('/a', 'https://ä.example'))
  t.notOk(canParseUrl('/a', 'https://ä b'))
})

t.test('an internationalized host is accepted by optimized code, too', async (t) => {
  let refused = 0
  for (let i = 0; i < 100_000; i++) if (!canParseUrl('https://müller.example/t')) refused++
  t.equal(refused, 0)
})
