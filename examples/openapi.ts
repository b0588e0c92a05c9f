/**
 * Serves an OpenAPI document that describes the required authorization, and Swagger UI, which sends
 * the token. `npm run example openapi`; with `PORT=3000` the server keeps running, so that you can
 * open /docs.
 */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify from 'fastify'
import resourceServer, { openapiTransform } from 'fastify-resource-server'
import { createAuthorizationServer } from 'fastify-resource-server/testing'

const authorizationServer = await createAuthorizationServer()

const app = Fastify()
await app.register(swagger, {
  openapi: {
    openapi: '3.1.0',
    info: { title: 'Orders', version: '1.0.0' },
    // Lets the user paste a token. Without this scheme, the document refers to the issuer's OpenID
    // Connect metadata.
    components: { securitySchemes: { accessToken: { type: 'http', scheme: 'bearer' } } },
  },
  transform: openapiTransform(app),
})
// The pages of Swagger UI are public; the routes that they call are protected.
await app.register(async (pages) => {
  pages.addHook('onRoute', (route) => {
    route.config = { ...route.config, auth: false }
  })
  await pages.register(swaggerUi, { routePrefix: '/docs' })
})
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: 'api://default',
})

app.get('/me', async (request) => ({ user: request.claims.sub }))
app.get('/orders', { config: { auth: { scope: 'orders:read' } } }, async () => [])
app.delete('/orders', { config: { auth: { anyScope: ['orders:write', 'admin'] } } }, async () => [])
app.get('/news', { config: { auth: { optional: true } } }, async () => [])
app.get('/health', { config: { auth: false } }, async () => 'ok')

const { PORT = '0' } = process.env
await app.listen({ port: Number(PORT) })
const url = app.listeningOrigin

const response = await fetch(`${url}/docs/json`)
const { paths, components } = (await response.json()) as Document
console.log('schemes:', JSON.stringify(components.securitySchemes))
for (const [path, operations] of Object.entries(paths)) {
  for (const [method, { security, responses }] of Object.entries(operations)) {
    const name = `${method.toUpperCase()} ${path}`.padEnd(14)
    console.log(name, Object.keys(responses).join(' ').padEnd(15), JSON.stringify(security))
  }
}
console.log('the page:', (await fetch(`${url}/docs/static/index.html`)).status)

if (PORT === '0') {
  await app.close()
  await authorizationServer.close()
} else {
  const token = await authorizationServer.issueToken({ sub: 'ada' }, { scope: 'orders:read' })
  console.log(`\nOpen ${url}/docs, press "Authorize" and paste:\n\n${token}`)
}

interface Document {
  paths: Record<string, Record<string, { security?: object[]; responses: object }>>
  components: { securitySchemes: object }
}
