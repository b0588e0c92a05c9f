/** Recognizes ID tokens, which clients often send by mistake instead of access tokens. */
import type { Claims } from '../../token/compact-jws.js'

export const SEND_ACCESS_TOKEN =
  'This looks like an ID token, which tells the client who signed in, and is not for APIs. Send the access token instead: "access_token" of the token response, not "id_token".'

/**
 * Whether the token has a claim that indicates an ID token: `at_hash`, `c_hash` or `s_hash`;
 * `nonce` (OpenID Connect Core §2); `token_use` "id" of Cognito; or `typ` "ID" of Keycloak. `amr`
 * indicates none, because access tokens may have it (RFC 9068 §2.2.1).
 */
export function looksLikeIdToken(claims: Claims): boolean {
  return (
    hasIdTokenHash(claims) ||
    Object.hasOwn(claims, 'nonce') ||
    claims.token_use === 'id' ||
    claims.typ === 'ID'
  )
}

/** Whether the token has a claim that only the option `dangerouslyAllowIdTokenClaims` allows. */
export function hasIdTokenHash(claims: Claims): boolean {
  return ['at_hash', 'c_hash', 's_hash'].some((name) => Object.hasOwn(claims, name))
}
