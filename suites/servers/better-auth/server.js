/**
 * Runs Better Auth in memory, with one user and one client. Arguments: the port on loopback, and
 * the audience of the API. `/client` responds with the credentials of the client.
 */
import { createServer } from 'node:http'
import process from 'node:process'
import { oauthProvider } from '@better-auth/oauth-provider'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { toNodeHandler } from 'better-auth/node'
import { admin, anonymous, jwt } from 'better-auth/plugins'

const [port, resource] = process.argv.slice(2)
const baseURL = `http://127.0.0.1:${port}`

const TABLES = [
  ...['user', 'session', 'account', 'verification', 'jwks'],
  ...['oauthClient', 'oauthResource', 'oauthClientResource', 'oauthClientAssertion'],
  ...['oauthAccessToken', 'oauthRefreshToken', 'oauthConsent'],
]

const auth = betterAuth({
  baseURL,
  secret: 'a secret of the tests with 40 characters',
  database: memoryAdapter(Object.fromEntries(TABLES.map((table) => [table, []]))),
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  plugins: [
    jwt(),
    admin(),
    anonymous(),
    oauthProvider({
      loginPage: '/login',
      consentPage: '/consent',
      scopes: ['openid', 'orders:read'],
      resources: [resource],
      enforcePerClientResources: false,
      clientPrivileges: () => true,
      customAccessTokenClaims: ({ user }) => (user?.isAnonymous ? { isAnonymous: true } : {}),
    }),
  ],
})

const { headers } = await auth.api.signUpEmail({
  body: { name: 'Ada', email: 'ada@example.com', password: 'correct horse' },
  returnHeaders: true,
})
const cookies = headers.getSetCookie().map((cookie) => cookie.split(';')[0])
const client = await auth.api.adminCreateOAuthClient({
  headers: new Headers({ cookie: cookies.join('; ') }),
  body: {
    redirect_uris: ['https://client.example/callback'],
    grant_types: ['authorization_code', 'client_credentials'],
    client_credentials_scopes: ['orders:read'],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: 'openid orders:read',
    skip_consent: true,
  },
})

const handler = toNodeHandler(auth)
createServer((request, response) => {
  if (request.url === '/client') response.end(JSON.stringify(client))
  else void handler(request, response)
}).listen(Number(port), '127.0.0.1')
