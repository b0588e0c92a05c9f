/** P1.9: which URLs are the same resource (RFC 9449 §4.3, RFC 3986 §6.2.2 and §6.2.3). */
import t from 'tap'
import { isSameTarget } from '../../../src/binding/dpop/target-uri.js'

const TARGET = 'https://api.example/a/~x'

t.test('P1.9: equivalent spellings of a URL are equal, for any scheme', async (t) => {
  const same: readonly [htu: string, target: string][] = [
    [TARGET, TARGET],
    [TARGET, `${TARGET}?b=c`],
    [`${TARGET}?b=c#d`, TARGET],
    ['https://api.example/a/%7ex', TARGET],
    ['https://api.example/%2F%c3', 'https://api.example/%2f%C3'],
    ['HTTP://API.example:80', 'http://api.example/'],
  ]
  for (const [htu, target] of same) t.ok(isSameTarget(htu, target), htu)
})

t.test('P1.9: URLs of other resources and invalid URIs are not equal', async (t) => {
  for (const htu of [
    '',
    'https://api.example/a/x',
    'https://api.example/a%2F~x',
    'http://api.example/a/~x',
    'https://user@api.example/a/~x',
    'https://:secret@api.example/a/~x',
    ` ${TARGET}`,
    `\n${TARGET}`,
    `${TARGET}\t`,
    'https:\\\\api.example\\a\\~x',
    // URL parsers read the host of TARGET in each of these.
    'https://@api.example/a/~x',
    'https://:@api.example/a/~x',
    'https:///api.example/a/~x',
    'https:////api.example/a/~x',
    'https:api.example/a/~x',
    'https://api%2eexample/a/~x',
    'https://api.example%2fa/~x',
  ]) {
    t.notOk(isSameTarget(htu, TARGET), JSON.stringify(htu))
  }
})

t.test('P1.9: two identical invalid URIs are not equal', async (t) => {
  // A server accepts such a path, but an empty htu must not match it.
  for (const htu of ['nonsense', 'https://user@api.example/', 'https://api.example/\\b']) {
    t.notOk(isSameTarget(htu, 'https://api.example/\\a'), htu)
  }
})
