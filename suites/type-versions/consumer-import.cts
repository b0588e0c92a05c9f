/** User code in CommonJS with module node16, where TypeScript rejects require() of an ES module. */
import type { PluginOptions } from 'fastify-resource-server' with { 'resolution-mode': 'import' }

import Fastify = require('fastify')

async function main(): Promise<void> {
  const { default: resourceServer } = await import('fastify-resource-server')
  const { createAuthorizationServer } = await import('fastify-resource-server/testing')
  const { issuer, close } = await createAuthorizationServer()
  const options: PluginOptions = { issuer, audience: 'api' }
  await Fastify.fastify().register(resourceServer, options)
  await close()
}

main()
