import { generateKeyPair } from 'jose'
import t, { type Test } from 'tap'
import {
  createAuthorizationServer,
  type PasswordGrantOptions,
  passwordGrant,
} from '../../src/testing/index.js'

const base = {
  tokenEndpoint: 'https://example.com/v1/token',
  clientId: 'client',
  clientSecret: 'hunter2-client',
  username: 'jane@example.com',
  password: 'hunter2-jane',
}
const { clientSecret: _, ...publicBase } = base

async function rejects(t: Test, options: unknown, message: RegExp): Promise<void> {
  const error = await passwordGrant(options as PasswordGrantOptions).then(
    () => undefined,
    (error: unknown) => error,
  )
  t.ok(error instanceof TypeError, String(message))
  t.match((error as Error).message, message)
  t.notMatch((error as Error).stack, /hunter2|jane/)
}

t.test('names the invalid option, and never its value', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const cases: [unknown, RegExp][] = [
    [undefined, /options of passwordGrant must be an object/],
    [null, /options of passwordGrant must be an object/],
    [[], /options of passwordGrant must be an object/],
    [{ ...base, userName: 'jane' }, /Unknown option "userName" of passwordGrant\..* Known: issuer/],
    [{ ...base, tokenEndpoint: undefined }, /one of "issuer" and "tokenEndpoint"/],
    [{ ...base, issuer: 'https://example.com' }, /one of "issuer" and "tokenEndpoint"/],
    [{ ...base, tokenEndpoint: '/v1/token' }, /"tokenEndpoint" must be an absolute URL/],
    [{ ...base, tokenEndpoint: 'http://example.com/' }, /"tokenEndpoint" must be an https URL/],
    [{ ...base, tokenEndpoint: 'ftp://127.0.0.1/' }, /"tokenEndpoint" must be an https URL/],
    [
      { ...base, tokenEndpoint: 'https://jane:hunter2@example.com/' },
      /must not contain a user name/,
    ],
    [{ ...base, tokenEndpoint: 'https://:hunter2@example.com/' }, /must not contain a user name/],
    [{ ...base, tokenEndpoint: 'https://example.com/#jane' }, /or a fragment/],
    [
      { ...base, tokenEndpoint: undefined, issuer: 'https://example.com?jane' },
      /"issuer" must have no query/,
    ],
    [{ ...base, clientId: undefined }, /"clientId" must be a non-empty string/],
    [{ ...base, clientId: '' }, /"clientId" must be a non-empty string/],
    [{ ...base, username: 1 }, /"username" must be a non-empty string/],
    [{ ...base, password: '' }, /"password" must be a non-empty string/],
    [{ ...base, clientSecret: '' }, /"clientSecret" must be a non-empty string/],
    [{ ...base, scope: 5 }, /"scope" must be a space-delimited string/],
    [{ ...base, scope: ['a b'] }, /"scope" must be a space-delimited string/],
    [{ ...base, scope: 'a"b' }, /"scope" must be a space-delimited string/],
    [{ ...base, parameters: { password: 'hunter2' } }, /"parameters" must not contain "password"/],
    [{ ...base, parameters: { grant_type: 'x' } }, /"parameters" must not contain "grant_type"/],
    [{ ...base, parameters: { audience: 1 } }, /"parameters.audience" must be a non-empty string/],
    [{ ...base, timeout: 0 }, /"timeout" must be a whole number/],
    [{ ...base, timeout: 1.5 }, /"timeout" must be a whole number/],
    [{ ...base, timeout: 2 ** 31 }, /"timeout" must be a whole number/],
    [{ ...base, signal: {} }, /"signal" must be an AbortSignal/],
    [{ ...base, fetch: {} }, /"fetch" must be a function/],
    [{ ...base, clientAuthentication: 'basic' }, /"clientAuthentication" must be client_secret_/],
    [{ ...base, clientAuthentication: 'none' }, /sends neither "clientSecret" nor/],
    [{ ...publicBase, privateKey, clientAuthentication: 'none' }, /sends neither "clientSecret"/],
    [{ ...base, privateKey }, /"clientSecret" and "privateKey" are mutually exclusive/],
    [{ ...publicBase, clientAuthentication: 'client_secret_basic' }, /"clientSecret" is missing/],
    [{ ...publicBase, clientAuthentication: 'client_secret_post' }, /"clientSecret" is missing/],
    [
      { ...publicBase, clientAuthentication: 'client_secret_basic_raw' },
      /"clientSecret" is missing/,
    ],
    [{ ...publicBase, clientAuthentication: 'private_key_jwt' }, /"privateKey" is missing/],
    [
      { ...base, clientId: 'a:b', clientAuthentication: 'client_secret_basic_raw' },
      /"clientId" contains a colon/,
    ],
    [{ ...publicBase, privateKey: publicKey }, /"privateKey" must be a private CryptoKey/],
    [{ ...publicBase, privateKey: null }, /"privateKey" must be a private CryptoKey/],
    [
      { ...publicBase, privateKey: { kty: 'EC', d: 'hunter2' } },
      /whose "alg" names an asymmetric signature algorithm/,
    ],
    [{ ...publicBase, privateKey: { kty: 'EC', alg: 'ES256' } }, /"privateKey" must be a private/],
    [
      { ...publicBase, privateKey: { kty: 'EC', crv: 'P-256', alg: 'ES256', d: 'hunter2' } },
      /"privateKey" must be a private/,
    ],
    [
      { ...publicBase, privateKey: { kty: 'oct', alg: 'HS256', k: 'aHVudGVy', d: 'x' } },
      /"privateKey" must be a private/,
    ],
  ]
  for (const [options, message] of cases) await rejects(t, options, message)
})

t.test('rejects a private key that is not for signing', async (t) => {
  const { privateKey } = await generateKeyPair('ECDH-ES')
  await rejects(t, { ...publicBase, privateKey }, /"privateKey" must be a private CryptoKey/)
  const jwk = await generateKeyPair('RSA-OAEP-256', { extractable: true }).then(async (pair) => ({
    ...(await crypto.subtle.exportKey('jwk', pair.privateKey)),
    alg: 'RSA-OAEP-256',
  }))
  await rejects(t, { ...publicBase, privateKey: jwk }, /"privateKey" must be a private CryptoKey/)
})

t.test('G4: does not run in production without its option', async (t) => {
  const before = process.env.NODE_ENV
  t.teardown(() => {
    if (before === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = before
  })
  await using server = await createAuthorizationServer({ algorithm: 'ES256' })
  const { clientId, clientSecret } = { clientId: 'demo-client', clientSecret: 'demo-secret' }
  const user = { username: 'testuser1@example.com', password: 'demo-password' }
  const options = { ...user, clientId, clientSecret, issuer: server.issuer }
  process.env.NODE_ENV = 'production'
  await rejects(t, options, /NODE_ENV=production.*unless "dangerouslyAllowProduction" is true/)
  await rejects(
    t,
    { ...options, dangerouslyAllowProduction: 'yes' },
    /"dangerouslyAllowProduction" is true/,
  )
  t.same(server.requests, {
    discovery: 0,
    jwks: 0,
    token: 0,
    introspection: 0,
    revocation: 0,
    logout: 0,
    streams: 0,
    poll: 0,
    other: 0,
  })
  await t.resolves(passwordGrant({ ...options, dangerouslyAllowProduction: true }))
})
