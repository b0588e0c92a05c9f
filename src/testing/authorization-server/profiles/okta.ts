import { randomUUID } from 'node:crypto'
import { hexId } from '../tokens/deterministic-ids.js'
import type { TestUser } from '../tokens/test-accounts.js'
import type { TokenProfile } from '../tokens/token-profile.js'

/**
 * The tokens of a custom authorization server of Okta. Neither access tokens nor ID tokens have a
 * `typ` in their header.
 */
export const okta: TokenProfile = {
  issuerPath: '/oauth2/default',
  audience: 'api://default',
  accessTokenType: undefined,
  idTokenType: undefined,
  idTokenHasSessionId: false,
  subject: ({ client, user }) => user?.username ?? client.clientId,
  accessTokenClaims: ({ client, user, scope, authTime }, { audience }) => ({
    aud: audience,
    ver: 1,
    jti: `AT.${randomUUID()}`,
    cid: client.clientId,
    ...(user && { uid: userId(user), auth_time: authTime }),
    scp: [...scope],
  }),
  idTokenClaims: ({ user }) => ({
    ver: 1,
    jti: `ID.${randomUUID()}`,
    sub: userId(user),
    idp: '00oEmbeddedServer',
    amr: ['pwd'],
  }),
}

function userId({ sub, username }: TestUser): string {
  return sub ?? `00u${hexId(username, 17)}`
}
