import t from 'tap'
import { bearerToken } from '../../src/credentials/bearer.js'
import { InvalidRequestError } from '../../src/errors/errors.js'

const read = (...rawHeaders: string[]) => bearerToken({ rawHeaders })

t.test('B1: reads the token after the scheme, in any case', async (t) => {
  t.equal(read('Authorization', 'Bearer abc'), 'abc')
  t.equal(read('authorization', 'bearer abc'), 'abc')
  t.equal(read('AUTHORIZATION', 'BEARER abc'), 'abc')
  t.equal(read('aUTHORIZATIOn', 'bEaReR   abc'), 'abc')
  t.equal(read('Host', 'a', 'Authorization', 'Bearer abc', 'Accept', '*/*'), 'abc')
})

t.test('B1: reads each character of token68, and padding at its end', async (t) => {
  const token = 'ABCXYZabcxyz0189-._~+/==='
  t.equal(read('Authorization', `Bearer ${token}`), token)
})

t.test('B1: ignores a space after the token', async (t) => {
  t.equal(read('Authorization', 'Bearer abc \t '), 'abc')
})

t.test('B2: returns undefined without credentials of this scheme', async (t) => {
  t.equal(read(), undefined)
  t.equal(read('Authorization', ''), undefined)
  t.equal(read('Authorization', 'Basic dTpw'), undefined)
  t.equal(read('Authorization', 'Bearerabc'), undefined)
  t.equal(read('Authorization', 'Bearer-Token abc'), undefined)
  t.equal(read('Authorization', ' Bearer abc'), undefined)
  t.equal(read('Authorization', 'Basic Bearer abc'), undefined)
  t.equal(
    read('X-Header', 'Authorization', 'Bearer', 'abc'),
    undefined,
    'a header value is not a name',
  )
  t.equal(read('Authorizatio\u0274', 'Bearer abc'), undefined)
  t.equal(read('Proxy-Authorization', 'Bearer abc'), undefined)
})

t.test('B3: rejects a header with invalid syntax', async (t) => {
  const values = [
    'Bearer',
    'Bearer ',
    'Bearer\t',
    'Bearer\tabc',
    'Bearer \tabc',
    'Bearer a b',
    'Bearer a\tb',
    'Bearer a,b',
    'Bearer a, Bearer b',
    'Bearer "a"',
    'Bearer a=b',
    'Bearer =',
    'Bearer a;b',
    'Bearer a\nb',
    'Bearer abc\n',
    'Bearer \nabc',
    'Bearer a\0',
    'Bearer é',
    'Bearer a\xa0',
    'Bearer a\u2028',
    'Bearer ａ',
  ]
  for (const value of values) {
    t.throws(() => read('Authorization', value), InvalidRequestError, escape(value))
  }
})

t.test('B3: rejects several Authorization headers, regardless of their scheme', async (t) => {
  const message = 'The request has more than one Authorization header'
  for (const [first, second] of [
    ['Bearer a', 'Bearer a'],
    ['Basic a', 'Bearer a'],
    ['Bearer a', 'Basic a'],
    ['', 'Bearer a'],
    ['Bearer a', ''],
    ['Bearer', 'Bearer'],
  ] as const) {
    t.throws(
      () => read('Authorization', first, 'Accept', '*/*', 'AUTHORIZATION', second),
      { name: 'InvalidRequestError', statusCode: 400, code: 'invalid_request', message },
      `${first} | ${second}`,
    )
  }
})

// With quadratic time, these headers would take hours: the timeout of the file ends the test.
t.test('reads a header of four megabytes in linear time', async (t) => {
  const blanks = ' '.repeat(4_000_000)
  for (const value of [
    `Bearer${blanks}`,
    `Bearer ${'='.repeat(4_000_000)}`,
    `Bearer ${'a'.repeat(4_000_000)}!`,
    `Bearer a${blanks}b`,
    `Bearer a${'='.repeat(4_000_000)}${blanks}!`,
    `Bearer a${'\t '.repeat(2_000_000)}!`,
  ]) {
    t.throws(() => read('Authorization', value), InvalidRequestError)
  }
})
