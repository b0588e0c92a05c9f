/** The server under load: one process, one route three times. */
import Fastify from 'fastify'
import { createLocalJWKSet, jwtVerify } from 'jose'
import resourceServer from '../dist/index.js'

process.once('message', async ({ jwks, issuer, audience }) => {
  const app = Fastify()
  const answer = async () => ({ ok: true })

  app.get('/open', answer)
  app.register(async (scope) => {
    await scope.register(resourceServer, { issuer, audience, jwks })
    scope.get('/protected', answer)
  })
  app.register(async (scope) => {
    const keys = createLocalJWKSet(jwks)
    scope.addHook('onRequest', async (request) => {
      const token = request.headers.authorization.slice('Bearer '.length)
      request.claims = (await jwtVerify(token, keys, { issuer, audience })).payload
    })
    scope.get('/jose', answer)
  })

  await app.listen({ host: '127.0.0.1', port: 0 })
  process.send({ port: app.server.address().port })
})
