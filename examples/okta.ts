/**
 * Uses a real Okta tenant: runs the flow of Okta's guide "Resource Owner Password Flow", and then
 * the step that the guide leaves to the reader, "validate the access token".
 *
 * ```sh
 * OKTA_ISSUER=https://example.okta.com/oauth2/default \
 *   OKTA_CLIENT_ID=… OKTA_CLIENT_SECRET=… OKTA_USERNAME=… OKTA_PASSWORD=… npm run example okta
 * ```
 *
 * The tenant needs an app integration of type "Native" with the grant "Resource Owner Password" and
 * client authentication by secret, assigned to the user; an access policy rule of the custom
 * authorization server that allows the grant; and a user without MFA. To send the same request with
 * curl:
 *
 * ```sh
 * curl "$OKTA_ISSUER/v1/token" --user "$OKTA_CLIENT_ID:$OKTA_CLIENT_SECRET" \
 *   --data-urlencode grant_type=password --data-urlencode scope=openid \
 *   --data-urlencode "username=$OKTA_USERNAME" --data-urlencode "password=$OKTA_PASSWORD"
 * ```
 */
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'
import { passwordGrant } from 'fastify-resource-server/testing'

const {
  OKTA_ISSUER: issuer = '',
  OKTA_AUDIENCE: audience = 'api://default',
  OKTA_CLIENT_ID: clientId = '',
  OKTA_CLIENT_SECRET: clientSecret = '',
  OKTA_USERNAME: username = '',
  OKTA_PASSWORD: password = '',
} = process.env

if ([issuer, clientId, clientSecret, username, password].includes('')) {
  console.error('Set OKTA_ISSUER, OKTA_CLIENT_ID, OKTA_CLIENT_SECRET, OKTA_USERNAME, OKTA_PASSWORD')
  process.exit(2)
}

const app = Fastify()
await app.register(resourceServer, {
  issuer,
  audience,
  profile: 'okta', // inferred from an Okta domain; required with a custom domain
  onReject: (error) => console.error('rejected:', error.message, error.reason),
})
app.get('/me', async (request) => ({
  user: request.claims.sub,
  client: request.token.clientId,
  scope: [...request.token.scope],
}))
const api = await app.listen()

try {
  const { access_token, token_type, expires_in } = await passwordGrant({
    issuer,
    clientId,
    clientSecret,
    username,
    password,
    scope: 'openid',
  })
  console.log(`got a ${token_type} token for ${expires_in} s`)

  const response = await fetch(`${api}/me`, {
    headers: { authorization: `Bearer ${access_token}` },
  })
  console.log(`GET /me ${response.status}`, await response.text())
  process.exitCode = response.ok ? 0 : 1
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
} finally {
  await app.close()
}
