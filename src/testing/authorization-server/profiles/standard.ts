import { randomUUID } from 'node:crypto'
import type { TokenProfile } from '../token-profile.js'

/** Access tokens as RFC 9068 §2 has them. */
export const standard: TokenProfile = {
  issuerPath: '/oauth2/default',
  audience: 'api://default',
  accessTokenType: 'at+jwt',
  idTokenType: 'JWT',
  subject: ({ client, user }) => (user ? (user.sub ?? user.username) : client.clientId),
  accessTokenClaims: ({ client, scope }, { audience }) => ({
    aud: audience,
    jti: randomUUID(),
    client_id: client.clientId,
    scope: scope.join(' '),
  }),
  idTokenClaims: () => ({}),
}
