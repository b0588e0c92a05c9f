import { type Answer, uncached } from '../http/answer.js'
import { required } from '../http/form.js'
import { OAuthError } from '../http/oauth-error.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'
import type { RefreshTokens } from '../tokens/refresh-tokens.js'
import type { ClientRequest } from './form-endpoint.js'

/** Ends a token, whichever it is; answers whether it was there. */
export function revoke(token: string, issued: IssuedTokens, refreshTokens: RefreshTokens): boolean {
  if (typeof token !== 'string') throw new TypeError('revoke takes a token, a string')
  return issued.revoke(token) || refreshTokens.revoke(token)
}

/**
 * The revocation endpoint (RFC 7009): 200 also for a token that nobody knows. A client may revoke
 * what was issued to it; with a refresh token goes all that came of the same sign-in. The
 * `token_type_hint` is not needed to find a token, and not read.
 */
export function revocationEndpoint(
  issued: IssuedTokens,
  refreshTokens: RefreshTokens,
): (request: ClientRequest) => Promise<Answer> {
  return async ({ form, client }) => {
    const token = required(form, 'token')
    const owner = issued.find(token)?.clientId ?? refreshTokens.clientIdOf(token)
    if (owner !== undefined && owner !== client.clientId) {
      throw new OAuthError('invalid_grant', 'The token was issued to another client.')
    }
    revoke(token, issued, refreshTokens)
    return uncached(200, {})
  }
}
