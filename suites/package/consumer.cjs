/** A CommonJS module that uses the installed package over real HTTP. Prints the passed checks. */
const assert = require('node:assert/strict')
const Fastify = require('fastify')
const resourceServer = require('fastify-resource-server')
const testing = require('fastify-resource-server/testing')
const exchange = require('fastify-resource-server/exchange')

async function main() {
  const issuer = await testing.createAuthorizationServer({ algorithm: 'ES256' })
  const app = Fastify({ forceCloseConnections: true })
  app.register(resourceServer, { issuer: issuer.issuer, audience: 'api://default' })
  app.get('/me', async ({ claims }) => ({ user: claims.sub }))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })

  assert.equal((await fetch(`${url}/me`)).status, 401)
  console.log('require: no token 401')

  const authorization = `Bearer ${await issuer.issueToken({ sub: 'user-1' })}`
  const response = await fetch(`${url}/me`, { headers: { authorization } })
  assert.equal(response.status, 200)
  assert.deepEqual(await response.json(), { user: 'user-1' })
  console.log('require: token 200')

  const exchanger = await exchange.createTokenExchanger({
    issuer: issuer.issuer,
    ...testing.testClient,
  })
  const exchanged = await exchanger.exchange(authorization.slice('Bearer '.length))
  assert.equal(exchanged.tokenType, 'Bearer')
  exchanger.close()
  console.log('require: token exchange')

  assert.equal(resourceServer.default, resourceServer.resourceServer)
  assert.equal(require('fastify-resource-server/package.json').name, 'fastify-resource-server')
  for (const path of [
    'dist/index.js',
    'dist/pipeline/pipeline.js',
    'pipeline',
    'src/index.ts',
    'cli',
  ]) {
    assert.throws(() => require(`fastify-resource-server/${path}`), {
      code: 'ERR_PACKAGE_PATH_NOT_EXPORTED',
    })
  }
  console.log('require: internal files are not exported')

  // A second copy of the module would break `instanceof` with the error classes.
  assert.equal((await import('fastify-resource-server')).default, resourceServer.default)
  console.log('require: returns the same module as import')

  await app.close()
  await issuer.close()
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
