import { hexId } from '../tokens/deterministic-ids.js'
import { apiScope } from '../tokens/openid-scope.js'
import type { TokenContext, TokenProfile, TokenSubject } from '../tokens/token-profile.js'

/**
 * The tokens of Auth0, with access tokens in Auth0's own profile and not in that of RFC 9068.
 * Access tokens contain `permissions`, as for an API with role-based access control. ID tokens
 * contain the session ID, and access tokens do not. By default,
 * the issuer identifier ends with a slash.
 */
export const auth0: TokenProfile = {
  issuerPath: '/',
  paths: {
    '/authorize': 'authorize',
    '/oauth/token': 'token',
    '/oauth/revoke': 'revoke',
    '/userinfo': 'userinfo',
    '/oidc/logout': 'logout',
    '/v2/logout': 'logout',
  },
  audience: 'api://default',
  accessTokenType: 'JWT',
  idTokenType: 'JWT',
  idTokenHasSessionId: true,
  subject: ({ client, user }) =>
    user ? (user.sub ?? `auth0|${hexId(user.username, 24)}`) : `${client.clientId}@clients`,
  accessTokenClaims: (subject, context) => ({
    aud: audience(subject, context),
    azp: subject.client.clientId,
    ...(!subject.atLoginPage && { gty: subject.user ? 'password' : 'client-credentials' }),
    scope: subject.scope.join(' '),
    permissions: apiScope(subject.scope),
  }),
  idTokenClaims: ({ session }) => ({ sid: session }),
}

/**
 * Returns the `aud`. With the scope `openid`, it also contains the URL of the UserInfo endpoint.
 */
function audience({ scope }: TokenSubject, { audience, issuer }: TokenContext): string | string[] {
  if (!scope.includes('openid')) return audience
  return [audience, `${issuer.replace(/\/$/, '')}/userinfo`].flat()
}
