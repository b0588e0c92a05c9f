import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { uuidFor } from '../tokens/deterministic-ids.js'
import type { TokenProfile, UserSubject } from '../tokens/token-profile.js'

/**
 * The tokens of an Amazon Cognito user pool. The claim `token_use` distinguishes access tokens from
 * ID tokens. An access token of Cognito has an `aud` only if the client requested a resource. An
 * access token of this profile has an `aud` only if the option `audience` is set.
 */
export const cognito: TokenProfile = {
  issuerPath: '/us-east-1_Embedded1',
  audience: undefined,
  accessTokenType: undefined,
  idTokenType: undefined,
  idTokenHasSessionId: false,
  subject: ({ client, user }) => (user ? (user.sub ?? uuidFor(user.username)) : client.clientId),
  accessTokenClaims: ({ user, ...subject }, { audience, audienceOption }) => ({
    ...(audienceOption !== undefined && { aud: audience }),
    token_use: 'access',
    client_id: subject.client.clientId,
    scope: subject.scope.join(' '),
    auth_time: subject.authTime,
    version: 2,
    jti: randomUUID(),
    ...(user && { username: user.username, ...userClaims({ ...subject, user }) }),
  }),
  idTokenClaims: (subject) => ({
    token_use: 'id',
    jti: randomUUID(),
    'cognito:username': subject.user.username,
    ...userClaims(subject),
  }),
}

function userClaims({ user, session }: UserSubject): JWTPayload {
  return {
    origin_jti: session,
    event_id: randomUUID(),
    'cognito:groups': user.claims?.['cognito:groups'] ?? ['demo-group'],
  }
}
