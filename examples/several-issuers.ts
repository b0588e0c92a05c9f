/**
 * Trusts two authorization servers in one API: one for employees, the other for partners. Each
 * server is trusted for its own tokens only, and identifies the caller by its own claims. `npm run
 * example several-issuers`.
 */
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'
import { createAuthorizationServer } from 'fastify-resource-server/testing'

const employees = await createAuthorizationServer({ profile: 'okta' })
const partners = await createAuthorizationServer({ algorithm: 'ES256', audience: 'partner-api' })
const untrusted = await createAuthorizationServer()

const app = Fastify()
await app.register(resourceServer, {
  issuer: [
    { issuer: employees.issuer, audience: 'api://default', profile: 'okta' },
    { issuer: partners.issuer, audience: 'partner-api', algorithms: ['ES256'] },
  ],
})

app.get('/who', async ({ auth }) => ({
  from: auth?.issuer === employees.issuer ? 'employees' : 'partners',
  subject: auth?.subject,
  client: auth?.clientId,
}))

// This route accepts tokens of one issuer only.
const employeesOnly = { config: { auth: { claims: { iss: employees.issuer } } } }
app.get('/payroll', employeesOnly, async () => 'numbers')

for (const [name, server] of Object.entries({ employees, partners, untrusted })) {
  const headers = { authorization: `Bearer ${await server.issueToken()}` }
  for (const url of ['/who', '/payroll']) {
    const { statusCode, body } = await app.inject({ url, headers })
    console.log(name.padEnd(10), url.padEnd(9), statusCode, body)
  }
}

await app.close()
await Promise.all([employees, partners, untrusted].map((server) => server.close()))
