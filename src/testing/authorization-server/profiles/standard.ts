import { randomUUID } from 'node:crypto'
import type { TokenProfile } from '../tokens/token-profile.js'

/**
 * The tokens of a server that conforms to RFC 9068. If the client requests a resource, the resource
 * is the `aud` of the access token (RFC 9068 §3). Like the tokens of several such servers, access
 * tokens of users have the claim `sid` of the ID token.
 */
export const standard: TokenProfile = {
  issuerPath: '/oauth2/default',
  audience: 'api://default',
  accessTokenType: 'at+jwt',
  idTokenType: 'JWT',
  idTokenHasSessionId: true,
  subject: ({ client, user }) => (user ? (user.sub ?? user.username) : client.clientId),
  accessTokenClaims: ({ client, user, scope, resource, session }, { audience }) => ({
    aud: resource ?? audience,
    jti: randomUUID(),
    client_id: client.clientId,
    scope: scope.join(' '),
    ...(user && { sid: session }),
  }),
  idTokenClaims: ({ session }) => ({ sid: session }),
}
