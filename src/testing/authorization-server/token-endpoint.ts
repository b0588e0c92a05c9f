import type { IncomingMessage } from 'node:http'
import { type Answer, uncached } from './answer.js'
import { ClientAssertions } from './client-assertion.js'
import { authenticateClient } from './client-authentication.js'
import { readForm } from './form.js'
import { performGrant } from './grants.js'
import { OAuthError } from './oauth-error.js'
import type { ServerSettings } from './options.js'
import { RefreshTokens } from './refresh-tokens.js'
import type { TokenIssuer } from './token-issuer.js'

/** The token endpoint (RFC 6749 §3.2), which never says in an answer what it was sent. */
export function tokenEndpoint(
  settings: ServerSettings,
  tokens: TokenIssuer,
  audience: string[],
): (request: IncomingMessage) => Promise<Answer> {
  const assertions = new ClientAssertions(settings.clients, audience, settings.now)
  const refreshTokens = new RefreshTokens()

  async function grantTokens(request: IncomingMessage): Promise<Answer> {
    const form = await readForm(request)
    const { authorization } = request.headers
    const client = await authenticateClient(authorization, form, settings.clients, assertions)
    const now = Math.floor(settings.now() / 1000)
    const { subject, refreshToken } = performGrant({ form, client, settings, refreshTokens, now })
    const accessToken = await tokens.accessToken(subject)
    return uncached(200, {
      access_token: accessToken.token,
      expires_in: settings.accessTokenLifetime,
      id_token: await tokens.idToken(subject, accessToken),
      refresh_token: refreshToken,
      scope: subject.scope.join(' '),
      token_type: 'Bearer',
    })
  }

  return async (request) => {
    try {
      return await grantTokens(request)
    } catch (error) {
      if (error instanceof OAuthError) return error.toAnswer()
      throw error
    }
  }
}
