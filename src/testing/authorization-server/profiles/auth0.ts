import { hexId } from '../tokens/deterministic-ids.js'
import { apiScope } from '../tokens/openid-scope.js'
import type { TokenContext, TokenProfile, TokenSubject } from '../tokens/token-profile.js'

/**
 * Access tokens of Auth0's own profile, for an API with role-based access control and `permissions`
 * in the token. The issuer identifier ends in a slash.
 */
export const auth0: TokenProfile = {
  issuerPath: '/',
  audience: 'api://default',
  accessTokenType: 'JWT',
  idTokenType: 'JWT',
  subject: ({ client, user }) =>
    user ? (user.sub ?? `auth0|${hexId(user.username, 24)}`) : `${client.clientId}@clients`,
  accessTokenClaims: (subject, context) => ({
    aud: audience(subject, context),
    azp: subject.client.clientId,
    gty: subject.user ? 'password' : 'client-credentials',
    scope: subject.scope.join(' '),
    permissions: apiScope(subject.scope),
  }),
  idTokenClaims: () => ({}),
}

/** With `openid`, the user info endpoint is an audience as well. */
function audience({ scope }: TokenSubject, { audience, issuer }: TokenContext): string | string[] {
  if (!scope.includes('openid')) return audience
  return [audience, `${issuer.replace(/\/$/, '')}/userinfo`].flat()
}
