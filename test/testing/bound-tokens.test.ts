import { createHash, createSecretKey, X509Certificate } from 'node:crypto'
import { decodeJwt, exportJWK } from 'jose'
import t from 'tap'
import {
  createAuthorizationServer,
  generateDPoPKey,
  type TokenConfirmation,
} from '../../src/testing/index.js'
import { basic, postForm } from './fixtures/post-form.js'

const key = await generateDPoPKey()
const jkt = key.thumbprint
const server = await createAuthorizationServer({ algorithm: 'ES256' })
t.teardown(() => server.close())
const demo = basic('demo-client', 'demo-secret')

// Self-signed; its key was deleted.
const pem = `-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUb+PkLpZaqK8RpR8KwYbHieHJCJ0wCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGY2xpZW50MCAXDTI2MTEyMjE0MzY0MloYDzIxMjYxMDI5MTQz
NjQyWjARMQ8wDQYDVQQDDAZjbGllbnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AATwtPceWNBDmWhTWF9JcGj+RecomxKusjU24tWjwjsNXygzPlpBoUQPlqWGgMK9
XBZ95gG4uTxe3sIOBLrSTW6Ao1MwUTAdBgNVHQ4EFgQUkNwtaYHPZx/r4tzDfbM8
TCJyTHwwHwYDVR0jBBgwFoAUkNwtaYHPZx/r4tzDfbM8TCJyTHwwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAwy7F1by2HhMsFBaycNH1JD9e2N3Y
I1MyrdFk9Eu04qsCICTwdnhZuBXCrQw4Qp5uAdAkEjN4r9F+kw2StbYTJIUX
-----END CERTIFICATE-----
`
const certificate = new X509Certificate(pem)
const x5t = createHash('sha256').update(certificate.raw).digest('base64url')

const bindings: [string, TokenConfirmation, object][] = [
  ['a key of generateDPoPKey()', { key }, { jkt }],
  ['a public JWK', { key: await exportJWK(key.publicKey) }, { jkt }],
  ['the thumbprint of a key', { key: jkt }, { jkt }],
  ['an X509Certificate', { certificate }, { 'x5t#S256': x5t }],
  ['a certificate in PEM', { certificate: pem }, { 'x5t#S256': x5t }],
  ['a certificate in DER', { certificate: certificate.raw }, { 'x5t#S256': x5t }],
  ['the thumbprint of a certificate', { certificate: x5t }, { 'x5t#S256': x5t }],
  ['both', { key, certificate }, { jkt, 'x5t#S256': x5t }],
]

for (const [what, confirmation, cnf] of bindings) {
  t.test(`P1, P6: issueToken binds to ${what}`, async (t) => {
    t.same(decodeJwt(await server.issueToken({}, { confirmation })).cnf, cnf)
    const opaque = await server.issueToken({}, { confirmation, format: 'opaque' })
    const { body } = await postForm(server.introspectionEndpoint, { token: opaque }, demo)
    t.match(body, { active: true, token_type: 'jkt' in cnf ? 'DPoP' : 'Bearer' })
    t.same(body.cnf, cnf, 'RFC 9449 §6.2, RFC 8705 §3.2')
  })
}

t.test('issues bearer tokens by default, and any cnf from the claims', async (t) => {
  t.notOk('cnf' in decodeJwt(await server.issueToken()))
  const token = await server.issueToken({ cnf: { jkt: 'x' } }, { confirmation: { key } })
  t.same(decodeJwt(token).cnf, { jkt: 'x' })
})

t.test('rejects a confirmation that is neither a key nor a certificate', async (t) => {
  const rejects = (confirmation: unknown, message: RegExp) =>
    t.rejects(server.issueToken({}, { confirmation: confirmation as TokenConfirmation }), {
      name: 'TypeError',
      message,
    })
  await rejects({}, /^"confirmation" must have "key", "certificate" or both$/)
  await rejects(null, /^The options of "confirmation" must be an object/)
  await rejects({ jkt }, /^Unknown option "jkt" of "confirmation"\..* Known: key, certificate$/)
  for (const key of [
    null,
    1,
    'x',
    jkt.slice(1),
    `${jkt}=`,
    { kty: 'oct', k: 'AAAA' },
    createSecretKey(Buffer.alloc(32)),
    {},
  ]) {
    await rejects({ key }, /^"confirmation\.key" must be/)
  }
  for (const certificate of [null, 1, 'x', x5t.slice(1), Buffer.from('x'), {}]) {
    await rejects({ certificate }, /^"confirmation\.certificate" must be/)
  }
})
