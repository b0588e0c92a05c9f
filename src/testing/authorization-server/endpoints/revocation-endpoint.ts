import { requireParameter } from '../http/form.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import { OAuthError } from '../http/oauth-error.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'
import type { RefreshTokens } from '../tokens/refresh-tokens.js'
import type { ClientRequest } from './form-endpoint.js'

/** Revokes an access or refresh token; returns whether it existed. */
export function revoke(token: string, issued: IssuedTokens, refreshTokens: RefreshTokens): boolean {
  if (typeof token !== 'string') throw new TypeError('"token" must be a string')
  return issued.revoke(token) || refreshTokens.revoke(token)
}

/**
 * The revocation endpoint (RFC 7009): responds with 200 for an unknown token as well. A client may
 * revoke only tokens issued to it; revoking a refresh token revokes all tokens of the same sign-in.
 * The `token_type_hint` is ignored, because a token is found without it.
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
