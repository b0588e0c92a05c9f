/** Credentials of either scheme, whose characters are not yet validated. */
import t from 'tap'
import {
  bearerCredentials,
  dpopCredentials,
  singleAuthorization,
} from '../../src/credentials/authorization.js'
import { InvalidRequestError } from '../../src/errors/errors.js'

const read = (credentials: typeof bearerCredentials, rawHeaders: string[]) => {
  const authorization = singleAuthorization({ rawHeaders })
  return authorization === undefined ? undefined : credentials(authorization, 'Bearer or DPoP')
}
const bearer = (...rawHeaders: string[]) => read(bearerCredentials, rawHeaders)
const dpop = (...rawHeaders: string[]) => read(dpopCredentials, rawHeaders)

t.test('P3: reads the token after the scheme DPoP, in any case', async (t) => {
  t.equal(dpop('Authorization', 'DPoP abc'), 'abc')
  t.equal(dpop('authorization', 'dpop abc'), 'abc')
  t.equal(dpop('AUTHORIZATION', 'DPOP    abc \t'), 'abc')
})

t.test('P3: returns undefined for another scheme', async (t) => {
  for (const value of ['', 'Bearer abc', 'DPoPabc', 'DPoP-Token abc', ' DPoP abc', 'a DPoP abc']) {
    t.equal(dpop('Authorization', value), undefined, `"${value}"`)
  }
  t.equal(dpop(), undefined)
  t.equal(bearer('Authorization', 'DPoP abc'), undefined)
  t.equal(bearer('Authorization', 'Basic Bearer '), undefined, 'at the end of another scheme')
  t.equal(dpop('Authorization', 'Basic DPoP '), undefined)
})

t.test('B3, P3: rejects a scheme without credentials', async (t) => {
  const rejection = {
    code: 'invalid_request',
    message: 'The Authorization header is malformed',
    reason: { expected: 'Bearer or DPoP, a space, and one token' },
  }
  for (const [read, scheme] of [
    [dpop, 'DPoP'],
    [bearer, 'Bearer'],
  ] as const) {
    for (const end of ['', ' ', '   ', ' \t', '\t', '\tabc']) {
      t.throws(() => read('Authorization', `${scheme}${end}`), rejection, escape(scheme + end))
    }
  }
  t.throws(() => dpop('Authorization', 'DPoP a', 'Authorization', ''), InvalidRequestError)
})
