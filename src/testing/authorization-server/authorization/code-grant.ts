import { createHash } from 'node:crypto'
import { boundTo, mayUse } from '../endpoints/grant-policy.js'
import type { Granted, GrantRequest } from '../endpoints/grant-request.js'
import { requestedResource } from '../endpoints/resource-indicator.js'
import { secretsEqual } from '../endpoints/secret-comparison.js'
import { type Form, requireParameter } from '../http/form.js'
import { OAuthError } from '../http/oauth-error.js'

/**
 * Exchanges an authorization code for tokens (RFC 6749 §4.1.3). The code must be unused, and the
 * client, the redirect URI, the code verifier (RFC 7636 §4.6) and the DPoP key must be those of the
 * authorization request. If the client presents a code again, all tokens of the code are revoked.
 */
export function exchangeCode(request: GrantRequest): Granted {
  const { form, client, codes, sessions, refreshTokens, jkt } = request
  const code = requireParameter(form, 'code')
  const redirectUri = requireParameter(form, 'redirect_uri')
  const grant = codes.use(code, client.clientId)
  if (grant === undefined) {
    throw invalidGrant(
      'The code is unknown, has expired, was already used or is for another client.',
    )
  }
  if (grant.redirectUri !== redirectUri) {
    throw invalidGrant('The redirect_uri differs from that of the authorization request.')
  }
  requireVerifier(form, grant.codeChallenge)
  if (grant.dpopJkt !== undefined && grant.dpopJkt !== jkt) {
    throw invalidGrant('The DPoP proof is not of the key in dpop_jkt.')
  }
  const { subject } = grant
  if (sessions.isOver({ id: subject.session, user: subject.user })) {
    throw invalidGrant('The session of the user has ended.')
  }
  // The client may request only the resource that was granted (RFC 8707 §2.2).
  if ((requestedResource(form) ?? subject.resource) !== subject.resource) {
    throw new OAuthError('invalid_target', 'The requested resource differs from the granted one.')
  }
  const wantsRefresh =
    subject.scope.includes('offline_access') || client.grantTypes?.includes('refresh_token')
  if (!wantsRefresh || !mayUse(client, 'refresh_token')) return { subject }
  // An ID token of a refresh has no nonce (OpenID Connect Core §12.2).
  const refreshed = { ...subject, nonce: undefined }
  return { subject, refreshToken: refreshTokens.issue(refreshed, boundTo(client, jkt)) }
}

/**
 * @throws {OAuthError} `invalid_grant` if the verifier does not match the challenge, or there is
 *   only one of the two: a verifier without a challenge is a sign of an attack that removed the
 *   challenge from the authorization request (RFC 9700 §4.8.2).
 */
function requireVerifier(form: Form, challenge: string | undefined): void {
  const verifier = form.get('code_verifier')
  if (verifier === undefined && challenge === undefined) return
  const isValid = verifier !== undefined && /^[\w.~-]{43,128}$/.test(verifier)
  if (isValid && challenge !== undefined && secretsEqual(s256(verifier), challenge)) return
  throw invalidGrant('The code_verifier does not match the code_challenge.')
}

function s256(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

function invalidGrant(description: string): OAuthError {
  return new OAuthError('invalid_grant', description)
}
