import { createHash, type Hash } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { releasesClaim } from './openid-scope.js'
import type { SigningAlgorithm } from './signing-keys.js'
import type { TokenContext, TokenProfile, TokenSubject, UserSubject } from './token-profile.js'

/** Returns the claims of an access token. */
export function accessTokenClaims(
  profile: TokenProfile,
  subject: TokenSubject,
  context: TokenContext,
): JWTPayload {
  return {
    ...subject.user?.claims,
    ...protocolClaims(profile, subject, context),
    ...profile.accessTokenClaims(subject, context),
    ...subject.delegation,
  }
}

/** An access token, and the signature algorithm that determines the `at_hash` of the ID token. */
export interface IssuedAccessToken {
  token: string
  algorithm: SigningAlgorithm
}

/**
 * Returns the claims of an ID token (OpenID Connect Core §2).
 *
 * @param accessToken the access token that is issued with the ID token, for `at_hash`. Default: the
 *   ID token has no `at_hash`.
 */
export function idTokenClaims(
  profile: TokenProfile,
  subject: UserSubject,
  context: TokenContext,
  accessToken?: IssuedAccessToken,
): JWTPayload {
  const { client, authTime, nonce } = subject
  return {
    ...userClaims(subject),
    ...protocolClaims(profile, subject, context),
    aud: client.clientId,
    auth_time: authTime,
    ...(nonce !== undefined && { nonce }),
    ...(accessToken && { at_hash: accessTokenHash(accessToken) }),
    ...profile.idTokenClaims(subject, context),
  }
}

/**
 * Returns the claims of a UserInfo response (OpenID Connect Core §5.3.2): the `sub` of the ID token,
 * and the claims of the user that the scope releases (§5.4).
 */
export function userInfoClaims(
  profile: TokenProfile,
  subject: UserSubject,
  context: TokenContext,
): JWTPayload {
  const { sub } = idTokenClaims(profile, subject, context)
  const released = Object.entries(userClaims(subject)).filter(([name]) =>
    releasesClaim(subject.scope, name),
  )
  return { ...Object.fromEntries(released), sub: sub as string }
}

function userClaims({ user, scope }: UserSubject): JWTPayload {
  return {
    ...(scope.includes('profile') && { preferred_username: user.username }),
    ...(scope.includes('email') && emailClaim(user.username)),
    ...user.claims,
  }
}

/** The `email` must be an address (OpenID Connect Core §5.1). `example.com` is reserved (RFC 2606). */
function emailClaim(username: string): JWTPayload {
  if (username.includes('@')) return { email: username }
  return /^[\w.+-]+$/.test(username) ? { email: `${username}@example.com` } : {}
}

function protocolClaims(
  profile: TokenProfile,
  subject: TokenSubject,
  { issuer, issuedAt, lifetime }: TokenContext,
): JWTPayload {
  return { iss: issuer, sub: profile.subject(subject), iat: issuedAt, exp: issuedAt + lifetime }
}

/**
 * Returns the `at_hash`: the left half of the hash of the access token, in base64url. The signature
 * algorithm determines the hash function (OpenID Connect Core §3.1.3.6): for EdDSA and ML-DSA, the
 * function that the algorithm uses itself, with 512 bits.
 */
export function accessTokenHash({ token, algorithm }: IssuedAccessToken): string {
  const hash = hashFor(algorithm).update(token).digest()
  return hash.subarray(0, hash.length / 2).toString('base64url')
}

function hashFor(algorithm: SigningAlgorithm): Hash {
  if (algorithm.startsWith('ML-DSA')) return createHash('shake256', { outputLength: 64 })
  return createHash(`sha${algorithm.startsWith('Ed') ? '512' : algorithm.slice(2)}`)
}
