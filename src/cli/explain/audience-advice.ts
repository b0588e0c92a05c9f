/**
 * Advises on a token with another audience. Often the audience in the token is that of the API, but
 * is spelled differently.
 */

import type { ClaimExpectations } from '../../token/claims.js'
import type { Claims } from '../../token/compact-jws.js'
import { looksLikeIdToken, SEND_ACCESS_TOKEN } from './id-token.js'
import { spellingDifference } from './spelling.js'

export function audienceAdvice(
  claims: Claims,
  { audience, audienceClaims, audienceHint, claimsInsteadOfAudience }: ClaimExpectations,
): string {
  const { aud, azp, cid, client_id: clientId, appid } = claims
  if (looksLikeIdToken(claims)) return SEND_ACCESS_TOKEN
  if (claimsInsteadOfAudience !== undefined) {
    return 'The API compares these claims instead of the audience ("dangerouslyNoAudience"): request a token that has them, or add the value of the claim in the token to the API\'s option if you trust it.'
  }
  if (aud === undefined && isString(clientId) && audience.has(clientId)) {
    return 'The token has no "aud", and the audience is its "client_id", as in tokens of Amazon Cognito: set the profile "cognito", in the API and here (--profile).'
  }
  if (aud !== undefined && ![aud].flat().every(isString)) {
    return '"aud" must be a string or an array of strings (RFC 7519 §4.1.3): have the issuer correct it.'
  }
  const found = audienceClaims.flatMap((name) => claims[name]).filter(isString)
  for (const value of found) {
    for (const expected of audience) {
      const difference = spellingDifference(value, expected)
      if (difference !== undefined) {
        return `${value} and ${expected} differ only in ${difference}. Audiences are compared character by character: set the API's "audience" to the value in the token, exactly: ${value}`
      }
      if (value.split(/[\s,]+/).includes(expected)) {
        return `The token has the audience, but in one string with others: "${value}". Have the issuer write several audiences as an array of strings (RFC 7519 §4.1.3).`
      }
    }
  }
  if (aud !== undefined && [azp, cid, clientId, appid].includes(aud)) {
    return "The audience of the token is the client: request a token for this API (Auth0: --audience; Entra ID: the API's own scope), and check that it is not an ID token."
  }
  const hint = audienceHint === undefined ? '' : ` For this issuer: ${audienceHint}.`
  return audienceClaims.every((name) => claims[name] === undefined)
    ? `The token has no "${audienceClaims[0]}", so it is not for a particular API. Request a token for this API.${hint}`
    : `Request a token for this API. If the issuer identifies this API by the audience in the token, set the API's "audience" to exactly that value.${hint}`
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}
