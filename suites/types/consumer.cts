/** User code in CommonJS, which can require an ES module from Node 20.19 on. */
import Fastify = require('fastify')
import plugin = require('fastify-resource-server')
import exchange = require('fastify-resource-server/exchange')
import testing = require('fastify-resource-server/testing')

async function main(): Promise<string | undefined> {
  const app = Fastify.fastify()
  const options: plugin.PluginOptions = { issuer: 'https://example.com', audience: 'api' }
  await app.register(plugin.default, options)
  app.register(plugin.resourceServer, options)
  app.get('/me', { config: { auth: { scope: 'a' } } }, async ({ claims }) => claims.sub)
  const { subject }: plugin.AccessToken = await app.resourceServer.verify('token')
  const { issuer, close } = await testing.createAuthorizationServer()
  await close()
  const exchanger: exchange.TokenExchanger = await exchange.createTokenExchanger({
    issuer,
    clientId: 'a',
    clientSecret: 'b',
  })
  exchanger.close()
  return subject ?? issuer
}

main()
