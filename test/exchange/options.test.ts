/** The options of an exchanger, and the defaults. */
import { exportJWK, generateKeyPair } from 'jose'
import t from 'tap'
import { createTokenExchanger } from '../../src/exchange/index.js'
import { resolveExchanger } from '../../src/exchange/options.js'

const issuer = 'https://login.example.com'
const client = { clientId: 'api', clientSecret: 'secret' }

t.test('has defaults', async (t) => {
  t.match(resolveExchanger({ issuer, ...client }), {
    issuer,
    server: issuer,
    subjectIssuers: new Set([issuer]),
    protocol: 'rfc8693',
    dpop: false,
    allowBoundTokens: false,
    expiryMargin: 30_000,
    negativeCacheMaxAge: 1_000,
    maxEntries: 10_000,
    maxBytes: 33_554_432,
    maxInFlight: 50,
    timeout: 5_000,
    allowHttp: false,
  })
  const before = Date.now()
  t.ok(resolveExchanger({ issuer, ...client }).now() >= before)
})

t.test('every mistake is an error that names the fix', async (t) => {
  const rejected: [object, RegExp][] = [
    [{ ...client }, /set "issuer" or "tokenEndpoint"/],
    [{ issuer, ...client, audience: 'x' }, /Unknown option "audience" of createTokenExchanger/],
    [{ issuer: 'http://a.example', ...client }, /"issuer" option must be an https URL/],
    [{ issuer: `${issuer}?a`, ...client }, /"issuer" option must be an https URL/],
    [{ tokenEndpoint: 'x', ...client }, /"tokenEndpoint" option must be an https URL/],
    [
      { tokenEndpoint: `${issuer}/token`, ...client },
      /set "subjectIssuers" or "issuer": with "tokenEndpoint" alone/,
    ],
    [{ issuer, ...client, subjectIssuers: [] }, /"subjectIssuers" option must be issuer/],
    [
      { issuer, clientId: 'api' },
      /set either "clientSecret" or "privateKey"; neither is set: a token/,
    ],
    [{ issuer, ...client, clientId: '' }, /"clientId" option must be a non-empty string/],
    [{ issuer, ...client, clientSecret: '' }, /"clientSecret" option must be a non-empty string/],
    [
      { issuer, ...client, clientAuthentication: 'none' },
      /"clientAuthentication" option must be one of client_secret_basic/,
    ],
    [
      { issuer, ...client, clientAuthentication: 'private_key_jwt' },
      /"clientAuthentication" option is private_key_jwt, which needs "privateKey"/,
    ],
    [{ issuer, ...client, protocol: 'obo' }, /"protocol" option must be one of rfc8693, entra/],
    [{ issuer, ...client, expiryMargin: -1 }, /"expiryMargin" option must be a whole number/],
    [{ issuer, ...client, timeout: 0 }, /"timeout" option must be a whole number of milliseconds/],
    [{ issuer, ...client, maxBytes: 1 }, /"maxBytes" option must be a whole number of bytes/],
    [{ issuer, ...client, maxInFlight: 0 }, /"maxInFlight" option must be a whole number/],
    [{ issuer, ...client, dpop: 'yes' }, /"dpop" option must be true, false, or a private JWK/],
    [{ issuer, ...client, dpop: { kty: 'EC', alg: 'ES256' } }, /"dpop" option must be true, false/],
    [
      { issuer, ...client, dpop: { kty: 'EC', alg: 'ES256', d: 'x' } },
      /"dpop" option must be true, or a private JWK that its "alg" can sign with/,
    ],
    [{ issuer, ...client, fetch: 'x' }, /"fetch" option must be a function/],
    [{ issuer, ...client, now: 0 }, /"now" option must be a function/],
    [
      { issuer, clientId: 'api', privateKey: { kty: 'EC' } },
      /"privateKey" must be a private CryptoKey with the usage "sign", or a private JWK/,
    ],
  ]
  for (const [options, message] of rejected) {
    await t.rejects(createTokenExchanger(options as never), { name: 'TypeError', message })
  }
})

t.test('accepts a private key, a DPoP key and http for development', async (t) => {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  const dpop = { ...(await exportJWK(privateKey)), alg: 'EdDSA' }
  const exchanger = await createTokenExchanger({
    issuer: 'http://keycloak.internal',
    dangerouslyAllowHttp: true,
    clientId: 'api',
    privateKey: dpop,
    dpop,
  })
  exchanger.close()
  t.doesNotThrow(() => exchanger.close())
})
