/**
 * Demonstrates encrypted access tokens (RFC 9068 §4): only the API can read the claims, the client
 * cannot.
 * `npm run example encrypted-tokens`.
 *
 * The example also replaces the decryption key of the API without rejecting a token.
 */
import { generateKeyPairSync } from 'node:crypto'
import Fastify from 'fastify'
import resourceServer, { type DecryptionOptions } from 'fastify-resource-server'
import {
  createAuthorizationServer,
  passwordGrant,
  testClient,
  testUser,
} from 'fastify-resource-server/testing'

const makeKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const [oldKey, newKey, keyOfOtherApi] = [makeKey(), makeKey(), makeKey()]

// The authorization server has the public key of the API.
const authorizationServer = await createAuthorizationServer({
  encryption: { key: oldKey.publicKey },
})
const { issuer } = authorizationServer

const { access_token: token } = await passwordGrant({
  issuer,
  ...testUser,
  ...testClient,
  scope: 'orders:read',
})
const parts = token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
console.log('parts of the token:', parts.length)
console.log('the client can read the user:', parts.join().includes(testUser.username))

const api = await startApi({ keys: [oldKey.privateKey], required: true })
await show('encrypted', api, token)
await show(
  'for another API',
  api,
  await authorizationServer.issueToken({}, { encryption: { key: keyOfOtherApi.publicKey } }),
)
await show('not encrypted', api, await authorizationServer.issueToken({}, { encryption: false }))

// During a rotation, the API accepts both keys. The authorization server then changes its key.
const rotating = await startApi({
  keys: [oldKey.privateKey, newKey.privateKey],
  required: true,
})
const next = await authorizationServer.issueToken({}, { encryption: { key: newKey.publicKey } })
await show('rotation, old key', rotating, token)
await show('rotation, new key', rotating, next)
const rotated = await startApi({ keys: [newKey.privateKey], required: true })
await show('rotated, old key', rotated, token)
await show('rotated, new key', rotated, next)

await Promise.all([api, rotating, rotated].map((app) => app.close()))
await authorizationServer.close()

async function startApi(decryption: DecryptionOptions) {
  const app = Fastify()
  await app.register(resourceServer, { issuer, audience: 'api://default', decryption })
  app.get('/me', async (request) => ({ user: request.claims.sub }))
  return app
}

async function show(what: string, app: Awaited<ReturnType<typeof startApi>>, token: string) {
  const { statusCode, headers, body } = await app.inject({
    url: '/me',
    headers: { authorization: `Bearer ${token}` },
  })
  console.log(what.padEnd(18), statusCode, headers['www-authenticate'] ?? body)
}
