/** Recognizes ID tokens, which clients most often send by mistake in place of access tokens. */
import type { Claims } from '../../token/compact-jws.js'

export const SEND_ACCESS_TOKEN =
  'This looks like an ID token, which tells the client who signed in, and is not for APIs. Send the access token instead: "access_token" of the token response, not "id_token".'

/** OpenID Connect Core §2, §3.1.3.6; `token_use` of Cognito and `typ` of Keycloak. */
export function looksLikeIdToken(claims: Claims): boolean {
  return (
    hasIdTokenHash(claims) ||
    ['nonce', 'amr'].some((name) => Object.hasOwn(claims, name)) ||
    claims.token_use === 'id' ||
    claims.typ === 'ID'
  )
}

/** Whether the option `dangerouslyAllowIdTokenClaims` concerns the token. */
export function hasIdTokenHash(claims: Claims): boolean {
  return ['at_hash', 'c_hash', 's_hash'].some((name) => Object.hasOwn(claims, name))
}
