import { type Answer, uncached } from './answer.js'
import type { ClientRequest } from './form-endpoint.js'
import { performGrant } from './grants.js'
import type { ServerSettings } from './options.js'
import type { RefreshTokens } from './refresh-tokens.js'
import type { TokenIssuer } from './token-issuer.js'

/** The token endpoint (RFC 6749 §3.2). */
export function tokenEndpoint(
  settings: ServerSettings,
  tokens: TokenIssuer,
  refreshTokens: RefreshTokens,
): (request: ClientRequest) => Promise<Answer> {
  return async ({ form, client }) => {
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
}
