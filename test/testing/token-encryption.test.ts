/** The embedded server encrypts access tokens, which an API with the option `decryption` accepts. */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { decodeProtectedHeader, type JWK } from 'jose'
import t from 'tap'
import { type AccessToken, createResourceServer, type DecryptionOptions } from '../../src/index.js'
import {
  type AuthorizationServer,
  createAuthorizationServer,
  type IssueTokenOptions,
  passwordGrant,
  type TokenEncryption,
  testClient,
  testUser,
} from '../../src/testing/index.js'
import { makeCertificate } from '../fixtures/certificates.js'
import { encryptionKey } from '../fixtures/encryption.js'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const secret: JWK = { kty: 'oct', k: randomBytes(32).toString('base64url'), kid: 'shared' }

const start = (encryption?: TokenEncryption, options = {}) =>
  createAuthorizationServer({ algorithm: 'ES256', ...options, ...(encryption && { encryption }) })

async function verify(
  { issuer }: AuthorizationServer,
  token: string,
  decryption: DecryptionOptions,
): Promise<AccessToken> {
  const api = await createResourceServer({ issuer, audience: 'api://default', decryption })
  return api.verify(token).finally(() => api.close())
}

const pem = (key: KeyObject) => `${key.export({ type: 'spki', format: 'pem' })}`
const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' }) as JWK

t.test('encrypts each access token for the key of the API (RFC 7519 §5.2)', async (t) => {
  const x25519 = await encryptionKey('ECDH-ES', 'x', 'X25519')
  const rsaOaep = ['RSA-OAEP'] as const
  const cases: [TokenEncryption, DecryptionOptions, object][] = [
    [{ key: ec.publicKey }, { keys: [ec.privateKey] }, { alg: 'ECDH-ES', enc: 'A256GCM' }],
    [
      { key: pem(rsa.publicKey), enc: 'A128CBC-HS256' },
      { keys: [rsa.privateKey] },
      { alg: 'RSA-OAEP-256', enc: 'A128CBC-HS256' },
    ],
    [
      { key: { ...jwkOf(rsa.publicKey), kid: 'enc-1' }, alg: 'RSA-OAEP' },
      { keys: [rsa.privateKey], keyManagementAlgorithms: rsaOaep },
      { alg: 'RSA-OAEP', kid: 'enc-1' },
    ],
    [
      { key: { ...jwkOf(ec.publicKey), alg: 'ECDH-ES+A256KW' } },
      { keys: [ec.privateKey] },
      { alg: 'ECDH-ES+A256KW' },
    ],
    [{ key: await cryptoKey(rsa.publicKey) }, { keys: [rsa.privateKey] }, { alg: 'RSA-OAEP-256' }],
    [{ key: x25519.publicKey }, { keys: [x25519.privateKey] }, { alg: 'ECDH-ES' }],
    [
      { key: secret, alg: 'dir' },
      { keys: [secret], keyManagementAlgorithms: ['dir'] },
      { alg: 'dir', kid: 'shared' },
    ],
  ]
  for (const [encryption, decryption, header] of cases) {
    await using server = await start(encryption)
    const token = await server.issueToken({ sub: 'ada' })
    t.match(decodeProtectedHeader(token), { cty: 'JWT', ...header })
    t.equal((await verify(server, token, decryption)).subject, 'ada', JSON.stringify(header))
  }
})

function cryptoKey(key: KeyObject) {
  const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' }
  const der = key.export({ type: 'spki', format: 'der' })
  return crypto.subtle.importKey('spki', der, algorithm, false, ['encrypt'])
}

t.test('encrypts the tokens of grants, introspects and revokes them as issued', async (t) => {
  await using server = await start({ key: ec.publicKey })
  const grant = { issuer: server.issuer, ...testClient, ...testUser, scope: 'openid orders:read' }
  const { access_token, id_token } = await passwordGrant(grant)
  t.equal(access_token.split('.').length, 5)
  t.equal(id_token?.split('.').length, 3, 'ID tokens are for the client')
  const { scope } = await verify(server, access_token, { keys: [ec.privateKey] })
  t.strictSame([...scope], ['openid', 'orders:read'])
  const api = await createResourceServer({
    issuer: server.issuer,
    audience: 'api://default',
    decryption: { keys: [ec.privateKey], required: true },
    introspection: { ...testClient, mode: 'always', cacheMaxAge: 0 },
  })
  t.teardown(() => api.close())
  t.ok(await api.verify(access_token))
  t.ok(server.revoke(access_token))
  await t.rejects(api.verify(access_token), { message: 'The access token is not active' })
})

t.test('a token may be encrypted otherwise than the server does', async (t) => {
  await using plain = await start()
  t.equal((await plain.issueToken()).split('.').length, 3)
  const encrypted = await plain.issueToken({}, { encryption: { key: ec.publicKey } })
  t.ok(await verify(plain, encrypted, { keys: [ec.privateKey] }))

  await using server = await start({ key: ec.publicKey })
  t.equal((await server.issueToken({}, { encryption: false })).split('.').length, 3)
  const other = await server.issueToken({}, { encryption: { key: rsa.publicKey } })
  t.match(decodeProtectedHeader(other), { alg: 'RSA-OAEP-256' })
  const opaque = await server.issueToken({}, { format: 'opaque', encryption: false })
  t.notMatch(opaque, /\./)
})

t.test('accepts the certificate of the API', async (t) => {
  const { cert, key } = await makeCertificate('api.example')
  await using server = await start({ key: cert })
  t.ok(await verify(server, await server.issueToken(), { keys: [key] }))
})

t.test('mistakes in the option are errors that name the fix', async (t) => {
  const ed25519 = generateKeyPairSync('ed25519').publicKey
  const privatePem = `${ec.privateKey.export({ type: 'pkcs8', format: 'pem' })}`
  const mistakes: [unknown, RegExp][] = [
    [[], /options of "encryption" must be an object/],
    [{}, /"encryption.key" must be the public key of the API/],
    [{ key: null }, /must be the public key/],
    [{ key: 'canary' }, /must be the public key/],
    [{ key: privatePem }, /must be the public key/],
    [{ key: ec.privateKey }, /must be the public key/],
    [{ key: jwkOf(ec.privateKey) }, /must be the public key/],
    [{ key: secret }, /"encryption.alg" must be one of RSA-OAEP/],
    [{ key: ec.publicKey, alg: 'RSA1_5' }, /"encryption.alg" must be one of/],
    [{ key: ec.publicKey, enc: 'A512GCM' }, /"encryption.enc" must be one of A128GCM/],
    [{ key: ec.publicKey, alg: 'RSA-OAEP' }, /"encryption.key" must be a key for "alg" RSA-OAEP/],
    [{ key: secret, alg: 'dir', enc: 'A128GCM' }, /for "alg" dir with "enc" A128GCM/],
    [{ key: ed25519 }, /"encryption.key" must be a key for "alg" ECDH-ES/],
    [{ key: ec.publicKey, kid: 'x' }, /"kid"/],
  ]
  await using server = await start()
  for (const [encryption, message] of mistakes) {
    await t.rejects(start(encryption as TokenEncryption), { name: 'TypeError', message })
    const options = { encryption } as IssueTokenOptions
    await t.rejects(server.issueToken({}, options), { name: 'TypeError', message })
  }
  await t.rejects(
    server.issueToken({}, { format: 'opaque', encryption: { key: ec.publicKey } }),
    /"encryption" must not be given for an opaque token/,
  )
})
