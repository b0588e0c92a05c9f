/** An ES module that uses the installed package over real HTTP. Prints the passed checks. */
import assert from 'node:assert/strict'
import Fastify from 'fastify'
import resourceServer, { createResourceServer, UnavailableError } from 'fastify-resource-server'
import {
  createTokenExchanger,
  TokenExchangeUnavailableError,
} from 'fastify-resource-server/exchange'
import {
  createAuthorizationServer,
  passwordGrant,
  testClient,
  testUser,
} from 'fastify-resource-server/testing'

const issuer = await createAuthorizationServer()
const app = Fastify({ forceCloseConnections: true })
await app.register(resourceServer, { issuer: issuer.issuer, audience: 'api://default' })
app.get('/me', async ({ claims }) => ({ user: claims.sub }))
const url = await app.listen({ port: 0, host: '127.0.0.1' })

const rejection = await fetch(`${url}/me`)
assert.equal(rejection.status, 401)
assert.equal(rejection.headers.get('www-authenticate'), 'Bearer realm="api"')
console.log('import: no token 401')

const { access_token } = await passwordGrant({
  issuer: issuer.issuer,
  ...testClient,
  username: testUser.username,
  password: testUser.password,
  scope: 'openid orders:read',
})
const response = await fetch(`${url}/me`, { headers: { authorization: `Bearer ${access_token}` } })
assert.equal(response.status, 200)
assert.equal(typeof (await response.json()).user, 'string')
console.log('import: token of the password grant 200')

const exchanger = await createTokenExchanger({ issuer: issuer.issuer, ...testClient })
const exchanged = await exchanger.exchange(access_token, { audience: 'api://other' })
assert.equal(exchanged.tokenType, 'Bearer')
assert.ok(TokenExchangeUnavailableError.prototype instanceof UnavailableError)
exchanger.close()
console.log('import: token exchange')

const core = await createResourceServer({ issuer: issuer.issuer, audience: 'api://default' })
assert.equal((await core.verify(access_token, { scope: 'orders:read' })).issuer, issuer.issuer)
core.close()
console.log('import: createResourceServer verifies')

for (const path of [
  'dist/index.js',
  'dist/pipeline/pipeline.js',
  'pipeline.js',
  'src/index.ts',
  'cli',
]) {
  await assert.rejects(import(`fastify-resource-server/${path}`), {
    code: 'ERR_PACKAGE_PATH_NOT_EXPORTED',
  })
}
console.log('import: internal files are not exported')

await app.close()
await issuer.close()
// The process must now exit by itself: an open handle would make package/run.js time out.
