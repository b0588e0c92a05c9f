import { randomUUID } from 'node:crypto'
import type { TokenProfile } from '../tokens/token-profile.js'

/** Access tokens of RFC 9068 §2, for the requested resource (RFC 9068 §3). */
export const standard: TokenProfile = {
  issuerPath: '/oauth2/default',
  audience: 'api://default',
  accessTokenType: 'at+jwt',
  idTokenType: 'JWT',
  subject: ({ client, user }) => (user ? (user.sub ?? user.username) : client.clientId),
  accessTokenClaims: ({ client, scope, resource }, { audience }) => ({
    aud: resource ?? audience,
    jti: randomUUID(),
    client_id: client.clientId,
    scope: scope.join(' '),
  }),
  idTokenClaims: () => ({}),
}
