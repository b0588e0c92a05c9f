import { inspect } from 'node:util'
import t from 'tap'
import {
  InsufficientScopeError,
  IntrospectionUnavailableError,
  InvalidRequestError,
  InvalidTokenError,
  KeysUnavailableError,
  MissingCredentialsError,
} from '../../src/errors/errors.js'
import { describe } from '../../src/errors/rejection-reason.js'
import { ResourceServerError } from '../../src/errors/resource-server-error.js'
import { isQuotable, isScopeToken, responseHeaders } from '../../src/errors/www-authenticate.js'
import { parseChallenge } from '../fixtures/challenge-parser.js'

const reason = { check: 'audience', expected: 'EXPECTED', found: 'FOUND' } as const

const errors = [
  new MissingCredentialsError(),
  new InvalidRequestError('malformed'),
  new InvalidTokenError('bad', reason),
  new InsufficientScopeError('lacks', 'orders:read', reason),
  new KeysUnavailableError('https://issuer.example', 7, new Error('CAUSE')),
  new IntrospectionUnavailableError('https://issuer.example', 8, new Error('CAUSE')),
]

t.test('each error has a stable code, a status and a name', async (t) => {
  t.same(
    errors.map(({ name, code, statusCode }) => [name, code, statusCode]),
    [
      ['MissingCredentialsError', 'missing_credentials', 401],
      ['InvalidRequestError', 'invalid_request', 400],
      ['InvalidTokenError', 'invalid_token', 401],
      ['InsufficientScopeError', 'insufficient_scope', 403],
      ['KeysUnavailableError', 'temporarily_unavailable', 503],
      ['IntrospectionUnavailableError', 'temporarily_unavailable', 503],
    ],
  )
  for (const error of errors) {
    t.ok(error instanceof ResourceServerError)
    t.ok(error instanceof Error)
    t.equal(error.check, error.reason.check)
    t.match(error.stack, error.name)
    t.same(error.headers, {})
  }
})

t.test('B10: no serializer outputs the reason', async (t) => {
  for (const error of errors) {
    for (const text of [
      JSON.stringify(error),
      inspect(error),
      String(error),
      inspect({ ...error }),
    ]) {
      t.notMatch(text, /EXPECTED|FOUND/)
    }
    t.same(Object.keys(error).sort(), ['code', 'name', 'statusCode'])
  }
})

t.test('each error has the shape of http-errors', async (t) => {
  for (const error of errors) {
    // The conditions of isHttpError() of http-errors 2 and of the exception filter of NestJS 12.
    t.equal(error.status, error.statusCode, error.name)
    t.equal(error.expose, error.statusCode < 500, 'as in http-errors')
    t.same(error.headers, {})
    t.same(Object.keys(error).sort(), ['code', 'name', 'statusCode'], 'and nothing else is shown')
  }
  class Gone extends ResourceServerError {
    readonly code = 'gone'
    readonly statusCode = 410
  }
  t.match(new Gone('gone'), { status: 410, statusCode: 410, expose: true })
})

t.test('error handlers may write to status and expose', async (t) => {
  const error = new MissingCredentialsError()
  error.status = 503
  t.equal(error.status, 503)
  t.equal(error.expose, false)
  error.expose = true
  t.equal(error.expose, true)
  const other = new MissingCredentialsError()
  t.match(other, { status: 401, expose: true }, 'of one error only')
  Object.freeze(other)
  t.match(other, { status: 401, expose: true })
})

t.test(
  'B9: KeysUnavailableError has the cause for the operator and Retry-After for the client',
  async (t) => {
    const cause = new Error('connect ECONNREFUSED')
    const error = new KeysUnavailableError('https://issuer.example', 7, cause)
    t.equal(error.cause, cause)
    t.equal(error.retryAfter, 7)
    t.same(error.reason, {
      check: 'keys-unavailable',
      expected: 'the keys of https://issuer.example',
      found: 'connect ECONNREFUSED',
    })
    t.equal(new KeysUnavailableError('i', 1, undefined).reason.found, 'no response')
    const long = new KeysUnavailableError('i', 1, new Error(`\u001b[2J\n${'x'.repeat(5_000)}`))
    t.equal(long.reason.found?.length, 4_001, 'truncated as documented for RejectionReason')
    t.notMatch(long.reason.found, /[^\x20-\x7e…]/, 'and escaped')
  },
)

t.test('B6: the headers of each error', async (t) => {
  const context = { realm: 'api', scope: 'a b' }
  const [missing, request, token, scope, keys, introspection] = errors.map((e) =>
    responseHeaders(e, context),
  )
  t.same(missing, { 'www-authenticate': 'Bearer realm="api", scope="a b"' })
  t.same(request, {
    'www-authenticate':
      'Bearer realm="api", error="invalid_request", error_description="malformed"',
  })
  t.same(token, {
    'www-authenticate':
      'Bearer realm="api", error="invalid_token", error_description="bad", scope="a b"',
  })
  t.same(scope, {
    'www-authenticate':
      'Bearer realm="api", error="insufficient_scope", error_description="lacks", scope="orders:read"',
  })
  t.same(keys, { 'retry-after': '7' })
  t.same(introspection, { 'retry-after': '8' })
  t.same(responseHeaders(new MissingCredentialsError(), { realm: 'api', scope: '' }), {
    'www-authenticate': 'Bearer realm="api"',
  })
  t.notMatch(
    responseHeaders(new InsufficientScopeError('no', '', reason), context),
    { 'www-authenticate': /scope="/ },
    'a policy error without scope names none',
  )
})

t.test('B6: the challenge is well-formed, regardless of the message', async (t) => {
  const context = { realm: 'api', scope: '' }
  for (const text of ['"', '\\', 'a", error="none', 'é', '\n', '\r\nX: 1', '\0', '\u2028', '']) {
    for (const error of [
      new InvalidTokenError(text, reason),
      new InsufficientScopeError(text, text, reason),
    ]) {
      const header = responseHeaders(error, context)['www-authenticate']
      t.doesNotThrow(() => parseChallenge(header), `${error.name} ${escape(text)}`)
    }
  }
})

t.test('isQuotable() and isScopeToken() accept exactly the characters of the RFCs', async (t) => {
  const all = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code))
  const quotable = all.filter(isQuotable).join('')
  const printable = all.slice(0x20, 0x7f).join('')
  t.equal(quotable, printable.replace(/["\\]/g, ''))
  t.equal(all.filter(isScopeToken).join(''), quotable.replace(' ', ''))
  for (const text of ['', 'a\n', 'a"b', '\u2028']) t.notOk(isQuotable(text), escape(text))
  for (const text of ['', 'a b', 'a\n']) t.notOk(isScopeToken(text), escape(text))
})

t.test('describes untrusted values on one line, escaped and bounded', async (t) => {
  t.equal(describe(undefined), 'absent')
  t.equal(describe(null), 'null')
  t.equal(describe('a"b'), '"a\\"b"')
  t.equal(describe(['a', 1]), '["a",1]')
  t.equal(describe('\n\u001b[2J\u007f\u009b\u2028é'), '"\\n\\u001b[2J\\u007f\\u009b\\u2028\\u00e9"')
  t.equal(
    describe(() => {}),
    'function',
  )
  t.equal(describe(Symbol('x')), 'symbol')
  t.equal(describe('x'.repeat(10_000)).length, 201)
  t.match(describe('\u{1f600}'), /^"[\x20-\x7e]+"$/)
})

t.test('constructs errors although the stack trace limit is immutable', async (t) => {
  const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit') as PropertyDescriptor
  Object.defineProperty(Error, 'stackTraceLimit', { ...before, writable: false })
  t.teardown(() => Object.defineProperty(Error, 'stackTraceLimit', before))
  t.equal(new MissingCredentialsError().statusCode, 401)
})
