import { calculateJwkThumbprint } from 'jose'
import t from 'tap'
import { thumbprintOf } from '../../src/base/thumbprint.js'
import { makeKey } from '../fixtures/issuer.js'

/** RFC 7638 §3.1. */
const RSA = {
  kty: 'RSA',
  n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
  e: 'AQAB',
}
/** RFC 8037 A.3. */
const OKP = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }

t.test('P1: computes the examples of RFC 7638 §3.1 and RFC 8037 A.3', async (t) => {
  t.equal(thumbprintOf(RSA), 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  t.equal(thumbprintOf(OKP), 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})

t.test('P1: ignores the other members of a JWK', async (t) => {
  const { publicJwk } = await makeKey('ES256', 'a')
  const { kty, crv, x, y } = publicJwk
  const expected = await calculateJwkThumbprint(publicJwk)
  t.equal(thumbprintOf(publicJwk), expected)
  t.equal(thumbprintOf({ y, x, crv, kty, alg: 'ES384', kid: 'b' }), expected)
})

t.test('P1: returns undefined for a JWK that is not a public key', async (t) => {
  for (const kty of ['oct', 'XYZ', 'rsa', '', 'constructor', '__proto__', undefined, 7, ['RSA']]) {
    t.equal(thumbprintOf({ ...RSA, kty }), undefined, `${kty}`)
  }
  for (const member of ['n', 'e'] as const) {
    for (const value of [undefined, null, 7, ['AQAB']]) {
      t.equal(thumbprintOf({ ...RSA, [member]: value }), undefined, `${member}: ${value}`)
    }
  }
  t.equal(thumbprintOf({ ...OKP, crv: undefined }), undefined)
  t.equal(thumbprintOf({ ...OKP, kty: 'EC' }), undefined, 'half a point')
})
