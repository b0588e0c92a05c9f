import t from 'tap'
import { InvalidTokenError } from '../../src/errors/errors.js'
import { isRejection } from '../../src/errors/result.js'
import { type JoseHeader, malformed, readHeader } from '../../src/token/jose-header.js'

t.test('reads alg, kid and typ, and keeps the other parameters apart', async (t) => {
  const jwk = { kty: 'oct', k: 'AAAA' }
  const header = { alg: 'ES256', kid: 'a', typ: 'JWT', jwk, jku: 'x', zip: 'DEF' }
  const { parameters, ...read } = readHeader(header) as JoseHeader
  t.strictSame(read, { alg: 'ES256', kid: 'a', typ: 'JWT' })
  t.strictSame({ ...parameters }, header)
  t.match(readHeader({ alg: '' }), { alg: '', kid: undefined, typ: undefined })
})

t.test('J7: the parameters are frozen, and inherit nothing', async (t) => {
  const { parameters } = readHeader({ alg: 'ES256' }) as JoseHeader
  t.ok(Object.isFrozen(parameters))
  t.equal(Object.getPrototypeOf(parameters), null)
  t.equal(parameters.toString, undefined)
})

t.test('J7: rejects alg, kid and typ that are not strings', async (t) => {
  for (const odd of [null, true, 0, [], ['ES256'], {}]) {
    for (const name of ['alg', 'kid', 'typ']) {
      const header = { alg: 'ES256', [name]: odd }
      t.match(
        readHeader(header),
        { name: 'InvalidTokenError', check: 'token' },
        `${name}: ${JSON.stringify(odd)}`,
      )
    }
  }
  t.match(readHeader({}), InvalidTokenError)
})

t.test('J10: rejects any crit and b64, if they are own members', async (t) => {
  for (const value of [undefined, null, [], ['exp'], false, true]) {
    t.match(readHeader({ alg: 'ES256', crit: value }), InvalidTokenError)
    t.match(readHeader({ alg: 'ES256', b64: value }), InvalidTokenError)
  }
  t.notOk(isRejection(readHeader(Object.assign(Object.create({ crit: [] }), { alg: 'ES256' }))))
})

t.test('B10: reports what is malformed in the reason, not in the message', async (t) => {
  const error = malformed('The access token is malformed', 'three parts', '4')
  t.equal(error.message, 'The access token is malformed')
  t.match(error, { check: 'token', code: 'invalid_token', statusCode: 401 })
  t.match(error.reason, { expected: 'three parts', found: '4' })
  t.notMatch(JSON.stringify(error), /three parts/)
})
