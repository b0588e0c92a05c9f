import { createHash, randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { ServerSettings } from './options.js'
import type { SigningAlgorithm } from './signing-keys.js'
import type { TestClient, TestUser } from './test-accounts.js'

/** For whom tokens are made. */
export interface TokenSubject {
  client: TestClient
  /** Absent for client credentials. */
  user?: TestUser | undefined
  scope: readonly string[]
  /** When the user signed in, in seconds since the epoch. */
  authTime: number
}

/** What tokens are made of beside their subject. */
export interface TokenContext {
  issuer: string
  settings: ServerSettings
  /** Seconds since the epoch. */
  issuedAt: number
  /** Seconds. */
  lifetime: number
}

/** The claims of an access token: those of RFC 9068 §2.2, or those that Okta documents. */
export function accessTokenClaims(subject: TokenSubject, context: TokenContext): JWTPayload {
  const { client, user, scope, authTime } = subject
  const { issuer, settings, issuedAt, lifetime } = context
  const { audience } = settings
  const shared = {
    ...user?.claims,
    iss: issuer,
    aud: typeof audience === 'string' ? audience : [...audience],
    iat: issuedAt,
    exp: issuedAt + lifetime,
  }
  if (settings.profile === 'okta') {
    return {
      ...shared,
      ver: 1,
      jti: `AT.${randomUUID()}`,
      sub: user?.username ?? client.clientId,
      cid: client.clientId,
      ...(user && { uid: oktaUserId(user), auth_time: authTime }),
      ...scopeClaim('okta', scope),
    }
  }
  return {
    ...shared,
    jti: randomUUID(),
    sub: user === undefined ? client.clientId : (user.sub ?? user.username),
    client_id: client.clientId,
    ...scopeClaim('standard', scope),
  }
}

/** The scope as the profile writes it: a string in `scope`, or Okta's array in `scp`. */
export function scopeClaim(
  profile: ServerSettings['profile'],
  scope: readonly string[],
): JWTPayload {
  return profile === 'okta' ? { scp: [...scope] } : { scope: scope.join(' ') }
}

/** An access token and what it is signed with, for the ID token's `at_hash`. */
export interface IssuedAccessToken {
  token: string
  algorithm: SigningAlgorithm
}

/** The claims of an ID token (OpenID Connect Core §2), with Okta's own in its profile. */
export function idTokenClaims(
  subject: TokenSubject & { user: TestUser },
  context: TokenContext,
  accessToken?: IssuedAccessToken,
): JWTPayload {
  const { client, user, scope, authTime } = subject
  const { issuer, settings, issuedAt, lifetime } = context
  const okta = settings.profile === 'okta'
  return {
    ...(scope.includes('profile') && { preferred_username: user.username }),
    ...(scope.includes('email') && { email: user.username }),
    ...user.claims,
    ...(okta && { ver: 1, jti: `ID.${randomUUID()}`, idp: '00oEmbeddedServer', amr: ['pwd'] }),
    iss: issuer,
    aud: client.clientId,
    sub: okta ? oktaUserId(user) : (user.sub ?? user.username),
    iat: issuedAt,
    exp: issuedAt + lifetime,
    auth_time: authTime,
    ...(accessToken && { at_hash: accessTokenHash(accessToken) }),
  }
}

function oktaUserId({ sub, username }: TestUser): string {
  return sub ?? `00u${createHash('sha256').update(username).digest('hex').slice(0, 17)}`
}

/** OpenID Connect Core §3.1.3.6: the left half of the hash that the algorithm uses. */
function accessTokenHash({ token, algorithm }: IssuedAccessToken): string {
  const bits = algorithm.startsWith('Ed') ? '512' : algorithm.slice(2)
  const hash = createHash(`sha${bits}`).update(token).digest()
  return hash.subarray(0, hash.length / 2).toString('base64url')
}
