/**
 * E1: encrypted tokens of oidc-provider, requested and used over real HTTP, and in the shape of
 * OpenIddict and Auth0.
 */
import {
  createHash,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { decodeProtectedHeader, exportJWK, type JWK } from 'jose'
import t, { type Test } from 'tap'
import type { DecryptionOptions } from '../../../src/index.js'
import { passwordGrant } from '../../../src/testing/index.js'
import { makeCertificate } from '../../fixtures/certificates.js'
import { encrypt, encryptionKey } from '../../fixtures/encryption.js'
import { makeKey, seconds, sign } from '../../fixtures/issuer.js'
import { startApi } from './fixtures/api.js'
import {
  CLIENT,
  type OidcProviderOptions,
  RESOURCE,
  startOidcProvider,
  USER,
} from './fixtures/oidc-provider.js'

type Encrypt = NonNullable<OidcProviderOptions['encrypt']>

async function startProvider(t: Test, encrypt: Encrypt, decryption: DecryptionOptions) {
  const { issuer } = await startOidcProvider(t, { algorithm: 'ES256', encrypt })
  const api = await startApi(t, { issuer, audience: RESOURCE, decryption })
  const grant = { issuer, ...CLIENT, ...USER, scope: 'openid orders:read' }
  return { api, issuer, token: async () => (await passwordGrant(grant)).access_token }
}

t.test('accepts the encrypted tokens of oidc-provider', async (t) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ec = await encryptionKey('ECDH-ES', 'ec-1')
  const x25519 = generateKeyPairSync('x25519')
  const secret: JWK = { kty: 'oct', k: randomBytes(32).toString('base64url'), alg: 'A256GCMKW' }
  const secretKey = createSecretKey(`${secret.k}`, 'base64url')
  const cases: [Encrypt, DecryptionOptions['keys'][number]][] = [
    [
      { alg: 'RSA-OAEP-256', enc: 'A256CBC-HS512', key: rsa.publicKey },
      `${rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })}`,
    ],
    [{ alg: 'ECDH-ES', enc: 'A256GCM', key: ec.publicKey, kid: 'ec-1' }, ec.privateJwk],
    [
      { alg: 'ECDH-ES+A256KW', enc: 'A128CBC-HS256', key: x25519.publicKey },
      await exportJWK(x25519.privateKey),
    ],
    [{ alg: 'A256GCMKW', enc: 'A128GCM', key: secretKey }, secret],
  ]
  for (const [encryptInfo, key] of cases) {
    const { api, issuer, token } = await startProvider(t, encryptInfo, {
      keys: [key],
      required: true,
    })
    const raw = await token()
    const { alg, enc } = encryptInfo
    // oidc-provider copies claims into the header (RFC 7519 §5.3).
    t.match(decodeProtectedHeader(raw), { alg, enc, cty: 'at+jwt', iss: issuer, aud: RESOURCE })
    const body = { user: USER.username, client: CLIENT.clientId, scope: ['orders:read'] }
    t.strictSame(await api.get('/me', raw), { status: 200, challenge: null, body }, alg)
    t.equal((await api.get('/orders', raw)).status, 200)
    const { status, challenge } = await api.get('/refunds', raw)
    t.equal(status, 403)
    t.match(challenge, /error="insufficient_scope"/)
    t.match(api.app.resourceServer.statistics(), { decryptions: 1 })
  }
})

t.test('rejects a token of oidc-provider that is encrypted for another API', async (t) => {
  const [own, other] = [await encryptionKey('ECDH-ES'), await encryptionKey('ECDH-ES')]
  const info = { alg: 'ECDH-ES', enc: 'A256GCM', key: other.publicKey }
  const { api, token } = await startProvider(t, info, { keys: [own.privateKey] })
  const { status, challenge } = await api.get('/me', await token())
  t.equal(status, 401)
  t.match(challenge, 'error="invalid_token"')
  t.match(api.lastReason, { check: 'decryption' })
})

t.test('accepts a token in the shape of OpenIddict', async (t) => {
  // The header is that of the token in https://github.com/oidcproxydotnet/OidcProxy.Net/issues/124.
  const { cert, key } = await makeCertificate('OpenIddict Server Encryption', { keyType: 'rsa' })
  const { raw, publicKey } = new X509Certificate(cert)
  const kid = createHash('sha1').update(raw).digest('hex').toUpperCase()
  const signing = await makeKey('RS256', 'C6FD32F8E1B14E0C9BBEF2E5D1DE0F0A1B2C3D4E')
  const issuer = 'https://login.example/'
  const jwt = await sign(signing, {
    iss: issuer,
    aud: 'resource_server',
    scope: 'orders:read',
    client_id: 'web-app',
    role: ['editor'],
    oi_prst: 'web-app',
    oi_au_id: '1',
    oi_tkn_id: '2',
  })
  const header = { alg: 'RSA-OAEP', enc: 'A256CBC-HS512', kid, typ: 'at+jwt', cty: 'JWT' }
  const token = await encrypt(jwt, publicKey, header)
  const options = {
    issuer,
    audience: 'resource_server',
    jwks: { keys: [signing.publicJwk] },
    profile: 'openiddict' as const,
  }
  const keyManagementAlgorithms = ['RSA-OAEP'] as const
  const api = await startApi(t, {
    ...options,
    decryption: { keys: [key], keyManagementAlgorithms },
  })
  t.match(await api.get('/orders', token), { status: 200 })
  t.match(await api.get('/me', token), { body: { user: 'user-1', client: 'web-app' } })
  const { roles } = await api.app.resourceServer.verify(token)
  t.strictSame([...roles], ['editor'], 'read by the profile')

  const defaults = await startApi(t, { ...options, decryption: { keys: [key] } })
  t.match(await defaults.get('/me', token), { status: 401 })
  t.match(defaults.lastReason, { check: 'decryption', found: /"RSA-OAEP"/ })
})

t.test('accepts tokens in the shape of Auth0', async (t) => {
  // https://auth0.com/docs/secure/tokens/access-tokens/json-web-encryption names these members. The
  // page leaves out further members; RFC 7519 §5.2 requires "cty" for a JWT within a JWE.
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const signing = await makeKey('RS256', 'auth0-key')
  const issuer = 'https://acme.eu.auth0.com/'
  const jwt = await sign(signing, {
    iss: issuer,
    aud: ['https://orders.example', `${issuer}userinfo`],
    azp: 'web-app',
    sub: 'auth0|1',
    exp: seconds() + 86_400,
    scope: 'openid orders:read',
    client_id: undefined,
    jti: undefined,
  })
  const pem = `${privateKey.export({ type: 'pkcs8', format: 'pem' })}`
  const algorithms = ['RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512'] as const
  const api = await startApi(t, {
    issuer,
    audience: 'https://orders.example',
    jwks: { keys: [signing.publicJwk] },
    decryption: { keys: [pem], keyManagementAlgorithms: algorithms },
  })
  for (const alg of algorithms) {
    for (const kid of ['my-kid', undefined]) {
      const token = await encrypt(jwt, publicKey, { alg, enc: 'A256GCM', kid })
      const body = { user: 'auth0|1', client: 'web-app', scope: ['openid', 'orders:read'] }
      t.match(await api.get('/me', token), { status: 200, body }, `${alg} ${kid}`)
    }
  }
})
