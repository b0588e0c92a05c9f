/**
 * Serves many tenants with one API. Each tenant has its own authorization server. The application
 * decides for each issuer whether it is trusted, from its own list of tenants. `npm run example
 * tenants`.
 */
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'
import { createAuthorizationServer } from 'fastify-resource-server/testing'

const acme = await createAuthorizationServer({ profile: 'okta' })
const globex = await createAuthorizationServer({ algorithm: 'ES256', audience: 'globex-orders' })
const untrusted = await createAuthorizationServer()

// In an application, this would be a database table.
const tenants = new Map([
  [acme.issuer, { name: 'Acme', profile: 'okta' as const }],
  [globex.issuer, { name: 'Globex', audience: 'globex-orders' }],
])

let lookups = 0

const app = Fastify()
await app.register(resourceServer, {
  audience: 'api://default', // the default for all tenants
  issuer: async (iss) => {
    lookups++
    const tenant = tenants.get(iss) // exact match only
    if (tenant === undefined) return undefined
    const { name, ...options } = tenant
    return options
  },
  tenants: { cacheMaxAge: 1_000 }, // milliseconds; a removed tenant may be accepted for that long
})
// A user is identified by issuer and subject together: two tenants may use the same subject.
app.get('/me', async ({ auth }) => ({
  tenant: tenants.get(auth?.issuer ?? '')?.name,
  subject: auth?.subject,
}))

for (const [name, server] of Object.entries({ acme, globex, untrusted })) {
  await show(name, await server.issueToken({ sub: 'ada' }))
}
// Acme's issuer cannot issue tokens for Globex's users.
await show('acme as globex', await acme.issueToken({ iss: globex.issuer, aud: 'globex-orders' }))

for (let i = 0; i < 100; i++) await callApi(await globex.issueToken())
console.log('lookups by the application:', lookups)

const token = await acme.issueToken()
tenants.delete(acme.issuer)
const deadline = Date.now() + 5_000
while ((await callApi(token)).statusCode === 200 && Date.now() < deadline) {
  await new Promise((resolve) => setTimeout(resolve, 50))
}
await show('acme, removed', token)

await app.close()
await Promise.all([acme, globex, untrusted].map((server) => server.close()))

function callApi(token: string) {
  return app.inject({ url: '/me', headers: { authorization: `Bearer ${token}` } })
}

async function show(who: string, token: string) {
  const { statusCode, headers, body } = await callApi(token)
  console.log(who.padEnd(17), statusCode, headers['www-authenticate'] ?? body)
}
