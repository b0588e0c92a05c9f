import { requireParameter } from '../http/form.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import { OAuthError } from '../http/oauth-error.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'
import type { RefreshTokens } from '../tokens/refresh-tokens.js'
import type { ClientRequest } from './form-endpoint.js'

/**
 * Revokes an access token, or a refresh token and all access and refresh tokens of the same
 * sign-in. Returns whether the token existed.
 *
 * @throws {TypeError} if the token is not a string.
 */
export function revoke(token: string, issued: IssuedTokens, refreshTokens: RefreshTokens): boolean {
  if (typeof token !== 'string') throw new TypeError('"token" must be a string')
  return issued.revoke(token) || refreshTokens.revoke(token)
}

/**
 * Returns the handler of the revocation endpoint (RFC 7009). It responds with 200 for an unknown
 * token as well (§2.2). A client may revoke only tokens that were issued to it. The parameter
 * `token_type_hint` is ignored, because the server finds the token without it.
 */
export function revocationEndpoint(
  issued: IssuedTokens,
  refreshTokens: RefreshTokens,
): (request: ClientRequest) => Promise<HttpResponse> {
  return async ({ form, client }) => {
    const token = requireParameter(form, 'token')
    const owner = issued.find(token)?.clientId ?? refreshTokens.clientIdOf(token)
    if (owner !== undefined && owner !== client.clientId) {
      throw new OAuthError('invalid_grant', 'The token was issued to another client.')
    }
    revoke(token, issued, refreshTokens)
    return uncached(200, {})
  }
}
