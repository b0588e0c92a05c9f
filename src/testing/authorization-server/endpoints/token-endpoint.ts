import type { AuthorizationCodes } from '../authorization/authorization-codes.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import type { ServerSettings } from '../options.js'
import type { Sessions } from '../sessions/sessions.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'
import type { RefreshTokens } from '../tokens/refresh-tokens.js'
import type { TokenIssuer } from '../tokens/token-issuer.js'
import type { DPoPProofs } from './dpop-proofs.js'
import type { ClientRequest } from './form-endpoint.js'
import { performGrant } from './grants.js'

/** The state that the token endpoint uses. */
export interface TokenEndpointSources {
  settings: ServerSettings
  tokens: TokenIssuer
  issued: IssuedTokens
  sessions: Sessions
  codes: AuthorizationCodes
  refreshTokens: RefreshTokens
  dpopProofs: DPoPProofs
}

/**
 * Returns the handler of the token endpoint (RFC 6749 §3.2). If the request has a DPoP proof, the
 * access token is bound to the key of the proof, and also the refresh token of a public client
 * (RFC 9449 §5).
 */
export function tokenEndpoint({
  settings,
  tokens,
  issued,
  sessions,
  codes,
  refreshTokens,
  dpopProofs,
}: TokenEndpointSources): (request: ClientRequest) => Promise<HttpResponse> {
  return async ({ form, client, dpopProofs: proofs }) => {
    // Verifies the proof before the grant, because the grant marks a refresh token as used, and a
    // client that must add a nonce repeats the request with the same refresh token.
    const jkt = await dpopProofs.verify(proofs)
    const now = Math.floor(settings.now() / 1000)
    const state = { settings, issued, sessions, codes, refreshTokens }
    const grant = performGrant({ form, client, ...state, now, jkt })
    const { subject, refreshToken, issuedTokenType } = grant
    const accessToken = await tokens.accessToken(subject, jkt === undefined ? undefined : { jkt })
    const { nonce } = dpopProofs
    return uncached(
      200,
      {
        access_token: accessToken.token,
        expires_in: settings.accessTokenLifetime,
        issued_token_type: issuedTokenType,
        id_token: await tokens.idToken(subject, accessToken),
        refresh_token: refreshToken,
        scope: subject.scope.join(' '),
        token_type: jkt === undefined ? 'Bearer' : 'DPoP',
      },
      nonce === undefined ? {} : { 'dpop-nonce': nonce },
    )
  }
}
