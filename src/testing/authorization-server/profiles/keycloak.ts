import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { uuidFor } from '../tokens/deterministic-ids.js'
import { opaqueToken } from '../tokens/opaque-token.js'
import type { TokenProfile, TokenSubject } from '../tokens/token-profile.js'

/**
 * The tokens of a Keycloak realm in its initial configuration. Because such a realm has no audience
 * mapper, the default `aud` of access tokens is Keycloak's own account API. The subject of the
 * client credentials grant is the service account of the client. Refresh tokens have the form of a
 * JWT, because keycloak-js parses them; their last part is random and not a signature.
 */
export const keycloak: TokenProfile = {
  issuerPath: '/realms/demo',
  paths: {
    '/protocol/openid-connect/auth': 'authorize',
    '/protocol/openid-connect/token': 'token',
    '/protocol/openid-connect/userinfo': 'userinfo',
    '/protocol/openid-connect/logout': 'logout',
  },
  audience: 'account',
  accessTokenType: 'JWT',
  idTokenType: 'JWT',
  idTokenHasSessionId: true,
  subject: (subject) => subject.user?.sub ?? uuidFor(username(subject)),
  accessTokenClaims: (subject, { audience }) => ({
    aud: audience,
    jti: randomUUID(),
    typ: 'Bearer',
    azp: subject.client.clientId,
    acr: '1',
    scope: subject.scope.join(' '),
    preferred_username: username(subject),
    ...roleClaims(subject),
    ...(subject.user
      ? { sid: subject.session }
      : {
          client_id: subject.client.clientId,
          clientHost: '127.0.0.1',
          clientAddress: '127.0.0.1',
        }),
  }),
  refreshToken: ({ client, session }) => {
    const header = { alg: 'HS512', typ: 'JWT' }
    const claims = { jti: randomUUID(), typ: 'Refresh', azp: client.clientId, sid: session }
    return [...[header, claims].map(encode), opaqueToken()].join('.')
  },
  idTokenClaims: ({ client, session }) => ({
    jti: randomUUID(),
    typ: 'ID',
    azp: client.clientId,
    acr: '1',
    sid: session,
  }),
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function username({ client, user }: TokenSubject): string {
  return user?.username ?? `service-account-${client.clientId}`
}

function roleClaims({ client, user }: TokenSubject): JWTPayload {
  return {
    realm_access: user?.claims?.realm_access ?? {
      roles: ['default-roles-demo', 'offline_access', 'uma_authorization'],
    },
    resource_access: user?.claims?.resource_access ?? {
      [client.clientId]: { roles: ['demo-role'] },
      account: { roles: ['manage-account', 'manage-account-links', 'view-profile'] },
    },
  }
}
