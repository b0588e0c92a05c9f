import { randomBytes } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { hexId, uuidFor } from '../tokens/deterministic-ids.js'
import { apiScope } from '../tokens/openid-scope.js'
import type { TestClient } from '../tokens/test-accounts.js'
import type {
  TokenContext,
  TokenProfile,
  TokenSubject,
  UserSubject,
} from '../tokens/token-profile.js'

const TENANT_ID = uuidFor('tenant')

/**
 * The tokens of Microsoft Entra ID, version 2.0. By default, the `aud` of access tokens is a GUID,
 * the id of the API.
 */
export const entra: TokenProfile = {
  issuerPath: `/${TENANT_ID}/v2.0`,
  audience: uuidFor('api'),
  accessTokenType: 'JWT',
  idTokenType: 'JWT',
  idTokenHasSessionId: true,
  subject: pairwiseSubject,
  accessTokenClaims: (subject, context) => ({
    ...commonClaims(subject, context),
    ver: '2.0',
    azp: subject.client.clientId,
    azpacr: authenticationClass(subject.client),
    ...(subject.user && { preferred_username: subject.user.username }),
  }),
  idTokenClaims: (subject, context) => ({
    ...commonIdTokenClaims(subject, context),
    ver: '2.0',
    preferred_username: subject.user.username,
  }),
}

/** The tokens of Microsoft Entra ID, version 1.0. */
export const entraV1: TokenProfile = {
  ...entra,
  issuerPath: `/${TENANT_ID}/`,
  audience: 'api://default',
  accessTokenClaims: (subject, context) => ({
    ...commonClaims(subject, context),
    ver: '1.0',
    appid: subject.client.clientId,
    appidacr: authenticationClass(subject.client),
    ...(subject.user
      ? { acr: '1', amr: ['pwd'], ...nameClaims(subject.user.username) }
      : { idp: context.issuer }),
  }),
  idTokenClaims: (subject, context) => ({
    ...commonIdTokenClaims(subject, context),
    ver: '1.0',
    amr: ['pwd'],
    ...nameClaims(subject.user.username),
  }),
}

/**
 * Returns the claims that access tokens of both versions have. The granted permissions are in `scp`
 * if the token is for a user, and in `roles` if it is for an application.
 */
function commonClaims(subject: TokenSubject, { audience, issuedAt }: TokenContext): JWTPayload {
  const granted = apiScope(subject.scope)
  return {
    aud: audience,
    nbf: issuedAt,
    tid: TENANT_ID,
    oid: objectId(subject),
    uti: randomBytes(16).toString('base64url'),
    ...(subject.user === undefined ? { idtyp: 'app' } : { sid: subject.session }),
    ...(granted.length > 0 && (subject.user ? { scp: granted.join(' ') } : { roles: granted })),
  }
}

/** Returns the claims that ID tokens of both versions have. */
function commonIdTokenClaims(subject: UserSubject, { issuedAt }: TokenContext): JWTPayload {
  return {
    nbf: issuedAt,
    sid: subject.session,
    tid: TENANT_ID,
    oid: objectId(subject),
    uti: randomBytes(16).toString('base64url'),
  }
}

/**
 * Returns the `sub`. Unlike `oid`, the `sub` of a user differs for each application, unless the
 * test sets it. The `sub` of an application is its `oid`.
 */
function pairwiseSubject(subject: TokenSubject): string {
  const { client, user } = subject
  if (user === undefined) return objectId(subject)
  const pair = JSON.stringify([client.clientId, user.username])
  return user.sub ?? Buffer.from(hexId(pair, 64), 'hex').toString('base64url')
}

function objectId({ client, user }: TokenSubject): string {
  return uuidFor(user ? `user ${user.username}` : `application ${client.clientId}`)
}

/**
 * Returns how the client authenticates: `0` for a public client, `1` for a client with a secret,
 * `2` for a client with a certificate, here a client with keys.
 */
function authenticationClass({ clientSecret, jwks }: TestClient): string {
  if (jwks !== undefined) return '2'
  return clientSecret === undefined ? '0' : '1'
}

function nameClaims(username: string): JWTPayload {
  return { upn: username, unique_name: username }
}
