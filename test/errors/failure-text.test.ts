import t from 'tap'
import { failureCode, failureText } from '../../src/errors/failure-text.js'

const system = (code: string, message: string) => Object.assign(new Error(message), { code })

t.test('lists the causes of an error and their codes', async (t) => {
  const refusedConnection = system('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1')
  const signed = system('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate')
  const table: [unknown, string, string | undefined][] = [
    [refusedConnection, 'connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'],
    [
      new TypeError('fetch failed', { cause: refusedConnection }),
      'fetch failed: connect ECONNREFUSED 127.0.0.1:1',
      'ECONNREFUSED',
    ],
    [
      new TypeError('fetch failed', { cause: signed }),
      'fetch failed: self-signed certificate: DEPTH_ZERO_SELF_SIGNED_CERT',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
    [
      new TypeError('fetch failed', {
        cause: Object.assign(new AggregateError([refusedConnection, signed], ''), {
          code: 'ECONNREFUSED',
        }),
      }),
      'fetch failed: ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1',
      'ECONNREFUSED',
    ],
    [
      new AggregateError([signed]),
      'self-signed certificate: DEPTH_ZERO_SELF_SIGNED_CERT',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
    [new AggregateError([]), 'no response', undefined],
    [Object.assign(new Error('odd'), { code: 'not a code' }), 'odd: not a code', undefined],
    [Object.assign(new Error('odd'), { code: 7 }), 'odd', undefined],
    ['text', 'no response', undefined],
    [undefined, 'no response', undefined],
  ]
  for (const [error, text, code] of table) {
    t.equal(failureText(error), text)
    t.equal(failureCode(error), code)
  }
})

t.test('is bounded and safe to log for any error', async (t) => {
  const circular = new Error('round')
  circular.cause = circular
  t.match(failureText(circular), /^(round: ){5}round$/)
  t.equal(failureCode(circular), undefined)
  t.equal(failureText(new Error('\u001b[2J\na\n')), '\\u001b[2J\\u000aa')
  t.equal(failureText(Object.assign(new Error(), { message: Symbol('a') })), 'no response')
  t.equal(failureText(new Error('x'.repeat(300))).length, 300, 'and longer than input of callers')
  t.equal(failureText(new Error('x'.repeat(9_000))).length, 4_001)
})
