/**
 * An array with a hole, such as `['admin', , 'editor']`, which `every()` and `map()` skip: no hole
 * may be accepted as `undefined`, which a token without the claim would match.
 */
import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { createResourceServer, type Requirement } from '../../src/index.js'
import { AUDIENCE, ISSUER, makeKey, sign } from '../fixtures/issuer.js'

const key = await makeKey('ES256')
const { privateKey } = generateKeyPairSync('x25519')
const base = { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [key.publicJwk] } }

/** Returns an array with the value and a hole. */
function withHole(value: unknown): unknown[] {
  const array = [value]
  array.length = 2
  return array
}

t.test('rejects arrays with holes in options, and names the option', async (t) => {
  const resource = 'https://api.example'
  const header = { certificateSource: { header: 'client-cert' } }
  for (const [name, options] of Object.entries({
    issuer: { issuer: withHole(ISSUER), jwks: undefined },
    audience: { audience: withHole(AUDIENCE) },
    algorithms: { algorithms: withHole('ES256') },
    'jwks.keys[1]': { jwks: { keys: withHole(key.publicJwk) } },
    'profile.types': { profile: { name: 'acme', types: withHole('jwt') } },
    'profile.requiredClaims': { profile: { name: 'acme', requiredClaims: withHole('sub') } },
    'dangerouslyNoAudience.claims.org': {
      audience: undefined,
      dangerouslyNoAudience: { claims: { org: withHole('acme') } },
    },
    scopeImplies: { scopeImplies: { admin: withHole('read') } },
    'decryption.keys[1]': { decryption: { keys: withHole(privateKey) } },
    'decryption.keyManagementAlgorithms': {
      decryption: { keys: [privateKey], keyManagementAlgorithms: withHole('ECDH-ES') },
    },
    'decryption.contentEncryptionAlgorithms': {
      decryption: { keys: [privateKey], contentEncryptionAlgorithms: withHole('A256GCM') },
    },
    'dpop.algorithms': { dpop: { algorithms: withHole('ES256') } },
    'dpop.baseUrl': { dpop: { baseUrl: withHole(resource) } },
    'dpop.nonce.secret': { dpop: { nonce: { secret: withHole(Buffer.alloc(32)) } } },
    'mtls.certificateSource.trustedProxies': {
      mtls: { certificateSource: { ...header.certificateSource, trustedProxies: withHole('::1') } },
    },
    'resourceMetadata.authorizationServers': {
      resourceMetadata: { resource, authorizationServers: withHole(ISSUER) },
    },
    'resourceMetadata.scopes': { resourceMetadata: { resource, scopes: withHole('read') } },
  })) {
    await t.rejects(
      createResourceServer({ ...base, ...options } as never),
      { name: 'TypeError', message: new RegExp(`^"${name.replace(/[[\].]/g, '\\$&')}" option `) },
      name,
    )
  }
})

t.test('rejects arrays with holes in requirements', async (t) => {
  const server = await createResourceServer(base)
  t.teardown(() => server.close())
  const token = await sign(key)
  for (const [name, requirement] of Object.entries({
    scope: { scope: withHole('orders:read') },
    acr: { acr: withHole('phr') },
    claims: { claims: { role: withHole('admin') } },
    actor: { actor: withHole({ subject: 'agent' }) },
    'authorization details': { authorizationDetails: withHole({ type: 'payment' }) },
    authorizationDetails: { authorizationDetails: { type: 'payment', actions: withHole('x') } },
  })) {
    const verifying = server.verify(token, requirement as Requirement)
    await t.rejects(verifying, { name: 'TypeError', message: /"|an (?:actor|auth)/ }, name)
  }
})
