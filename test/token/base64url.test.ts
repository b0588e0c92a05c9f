import t from 'tap'
import { decodeBase64url } from '../../src/token/base64url.js'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Reference decoder: only the alphabet, and only text that re-encodes to itself. */
function isCanonical(text: string): boolean {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return false
  return Buffer.from(text, 'base64url').toString('base64url') === text
}

/** Returns the texts for which the two decoders disagree. */
function disagreements(texts: Iterable<string>): string[] {
  const wrong: string[] = []
  for (const text of texts) {
    if ((decodeBase64url(text) !== undefined) !== isCanonical(text)) wrong.push(text)
  }
  return wrong.map(escape)
}

t.test('J9: decodes canonical base64url', async (t) => {
  for (let length = 1; length < 200; length++) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 37 + length) & 0xff))
    t.strictSame(decodeBase64url(bytes.toString('base64url')), bytes)
  }
  t.equal(decodeBase64url(''), undefined, 'the empty string')
})

t.test('J9: accepts only canonical texts of up to three ASCII characters', async (t) => {
  function* texts() {
    for (let a = 0; a < 128; a++) {
      yield String.fromCharCode(a)
      for (let b = 0; b < 128; b++) {
        yield String.fromCharCode(a, b)
        for (let c = 0; c < 128; c++) yield String.fromCharCode(a, b, c)
      }
    }
  }
  t.same(disagreements(texts()), [])
})

t.test('J9: rejects any other character at any position, regardless of its low byte', async (t) => {
  function* texts() {
    for (const length of [2, 3, 4, 6, 7, 8]) {
      for (let at = 0; at < length; at++) {
        for (let code = 0; code <= 0xffff; code++) {
          const rest = 'A'.repeat(length)
          yield rest.slice(0, at) + String.fromCharCode(code) + rest.slice(at + 1)
        }
      }
    }
  }
  t.same(disagreements(texts()), [])
})

t.test('J9: rejects an extra character in segments as long as those of tokens', async (t) => {
  function* texts() {
    for (const length of [40, 42, 43, 44, 342, 1_000, 8_000]) {
      const text = Array.from({ length }, (_, i) => ALPHABET[(i * 7) % 64]).join('')
      for (const last of ALPHABET) yield text.slice(0, -1) + last
      for (const odd of ['=', '==', '+', '/', ' ', '\n', '\0', '\u0141', '\ud83d', '\u{1f600}']) {
        for (const at of [0, 1, length >> 1, length - 1, length]) {
          yield text.slice(0, at) + odd + text.slice(at)
          yield text.slice(0, at) + odd + text.slice(at + 1)
          yield text.slice(0, at) + odd.repeat(4) + text.slice(at)
          // As many characters removed as added, so that the length is unchanged.
          yield text.slice(0, at) + odd + text.slice(at, -1)
        }
      }
    }
  }
  t.same(disagreements(texts()), [])
})
