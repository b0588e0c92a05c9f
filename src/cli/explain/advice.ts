/**
 * Describes the likely mistake behind a rejected token, and its fix. Each step has an entry in
 * `ADVICE`.
 */
import type { AccessTokenClaims } from '../../access-token/access-token-claims.js'
import { boundKeyOf, readConfirmation } from '../../access-token/confirmation.js'
import { isAsymmetric, runtimeHint } from '../../base/algorithms.js'
import type { ResolvedDecryption } from '../../decryption/options.js'
import type { ResourceServerError } from '../../errors/resource-server-error.js'
import { isRejection } from '../../errors/result.js'
import type { Issuer } from '../../issuer/issuer.js'
import type { Requirement } from '../../policy/requirement.js'
import type { Claims, ParsedJws } from '../../token/compact-jws.js'
import { isExpectedType, mediaType } from '../../token/token-type.js'
import { audienceAdvice } from './audience-advice.js'
import { malformedClaimAdvice } from './claim-advice.js'
import { credentialsAdvice } from './credentials-advice.js'
import { contentAdvice, decryptionAdvice, encryptedLayerAdvice } from './decryption-advice.js'
import type { EncryptedLayer } from './encrypted-layer.js'
import type { GivenToken } from './given-token.js'
import { hasIdTokenHash, looksLikeIdToken, SEND_ACCESS_TOKEN } from './id-token.js'
import { issuerAdvice } from './issuer-advice.js'
import { keyAdvice, signatureAdvice } from './key-advice.js'
import { forIssuerItselfAdvice, malformedAdvice, UNSIGNED } from './malformed-advice.js'
import type { ObservedFetch } from './observed-fetch.js'
import { policyAdvice } from './policy-advice.js'
import { type StepName, stepOf } from './step.js'
import { timeAdvice } from './time-advice.js'

/** The token, the configuration that it is checked against, and the responses of the issuer. */
export interface Facts {
  readonly given: GivenToken
  readonly maxTokenLength: number
  /** The trusted issuer. */
  readonly issuer: Issuer
  readonly requirement: Requirement
  /** The current time, in seconds since the epoch. */
  readonly now: number
  /** Records the responses of the issuer. */
  readonly observed: ObservedFetch
  /** Returns the parsed token; `undefined` if it could not be parsed. */
  readonly token: () => ParsedJws | undefined
  /** The option `decryption`; `undefined` if it is not set. */
  readonly decryption: ResolvedDecryption | undefined
  /** The outer layer of an encrypted token; `undefined` if the token is not encrypted. */
  readonly layer: EncryptedLayer | undefined
  /** Returns the JWT: the token, or its content; `undefined` if the token is not decrypted. */
  readonly jwt: () => string | undefined
}

type Advice = (
  facts: Facts & { readonly error: ResourceServerError; readonly jws: ParsedJws },
) => string

export function adviser(facts: Facts): (error: ResourceServerError) => string {
  return (error) => {
    const jws = facts.token() ?? UNREADABLE
    return ADVICE[stepOf(error.check)]({ ...facts, error, jws })
  }
}

const ADVICE: Readonly<Record<StepName, Advice>> = {
  credentials: ({ given }) => credentialsAdvice(given),
  token: tokenAdvice,
  decryption: ({ layer, decryption }) => decryptionAdvice(layer, decryption as ResolvedDecryption),
  issuer: ({ jws, issuer }) => issuerAdvice(jws.claims, issuer.issuer),
  algorithm: ({ jws }) => algorithmAdvice(jws.header.alg),
  key: ({ error, jws, issuer, observed }) => keyAdvice(error, jws, issuer, observed),
  signature: ({ jws }) => signatureAdvice(jws),
  type: ({ jws, issuer }) => typeAdvice(jws, issuer),
  claims: ({ jws, error, issuer }) => claimsAdvice(jws, error, issuer),
  expiry: ({ jws, now }) => timeAdvice('expiry', jws.claims, now),
  'not-before': ({ jws, now }) => timeAdvice('not-before', jws.claims, now),
  'issued-at': ({ jws, now }) => timeAdvice('issued-at', jws.claims, now),
  age: ({ jws, now }) => timeAdvice('age', jws.claims, now),
  audience: ({ jws, issuer }) => audienceAdvice(jws.claims, issuer.expectations),
  binding: ({ jws, error }) => bindingAdvice(jws.claims, error),
  scope: ({ jws, issuer, requirement }) =>
    scopeAdvice(issuer.profile.scope(jws.claims as AccessTokenClaims), `${requirement.scope}`),
  policy: ({ jws, issuer, requirement }) => policyAdvice(jws.claims, issuer.profile, requirement),
}

function tokenAdvice({
  given: { token },
  jwt,
  maxTokenLength,
  error,
}: Facts & { readonly error: ResourceServerError }): string {
  const content = jwt()
  if (content === undefined) return forIssuerItselfAdvice(token) ?? encryptedLayerAdvice(error)
  return content === token
    ? malformedAdvice(token, maxTokenLength)
    : contentAdvice(content, maxTokenLength)
}

function algorithmAdvice(alg: string): string {
  if (/^HS\d+$/.test(alg)) {
    return `${alg} needs a secret that the API shares with the issuer. Have the issuer sign with RS256 or ES256 (Auth0: "Signing Algorithm" of the API). During a migration, an API accepts both with "secret" and "dangerouslyAllowSecretWithKeys"; to check such a token here, add --secret with a file that contains the secret.`
  }
  if (/^none$/i.test(alg)) return UNSIGNED
  if (isAsymmetric(alg)) {
    return `Add ${alg} to the option "algorithms" of the API (--algorithms here), or have the issuer sign with one of the expected algorithms.`
  }
  return `Have the issuer sign with one of the expected algorithms${runtimeHint(alg) || '.'}`
}

function typeAdvice({ claims, header }: ParsedJws, { expectations, profile }: Issuer): string {
  if (looksLikeIdToken(claims)) {
    return hasIdTokenHash(claims) && expectations.allowsIdTokenClaims !== true
      ? `${SEND_ACCESS_TOKEN} If it is an access token (Dex issues such tokens), the API must set the option "dangerouslyAllowIdTokenClaims". To try the option here, add --dangerously-allow-id-token-claims.`
      : SEND_ACCESS_TOKEN
  }
  const other = OTHER_TYPES.get(mediaType(header.typ ?? ''))
  if (other !== undefined) {
    return `This is ${other}, not an access token: send "access_token" of the token response.`
  }
  return isExpectedType(header.typ, expectations)
    ? 'Send an access token: this is an ID token, a refresh token or another token of the issuer.'
    : `The profile ${profile.name} accepts no token with this "typ". If it is an access token, have the issuer correct "typ", or choose another --profile.`
}

/** What tokens with these values of `typ` are. */
const OTHER_TYPES: ReadonlyMap<string, string> = new Map([
  ['dpop+jwt', 'a DPoP proof'],
  ['logout+jwt', 'a logout token'],
  ['secevent+jwt', 'a security event token'],
])

function claimsAdvice(
  { claims }: ParsedJws,
  { expected, reason }: ResourceServerError,
  { profile, requiredClaims }: Issuer,
): string {
  if (looksLikeIdToken(claims)) return SEND_ACCESS_TOKEN
  if (requiredClaims.some((name) => expected === `"${name}"`)) {
    return `The option "requiredClaims" of the API requires ${expected}. Have the issuer put it into access tokens.`
  }
  return (
    malformedClaimAdvice(reason) ??
    `The profile ${profile.name} requires ${expected}. Have the issuer put it into access tokens, or choose another --profile; if it is an ID token, send the access token instead.`
  )
}

function scopeAdvice(scope: readonly string[], wanted: string): string {
  if (scope.some((value) => value.includes(','))) {
    return 'The scope of the token is delimited by commas, so the API reads it as one value. Have the issuer delimit it by spaces (RFC 6749 §3.3).'
  }
  if (wanted.includes(',')) {
    return 'The required scope contains a comma, so it is read as one value: delimit it by spaces, in --scope and in the API.'
  }
  return `The token grants: ${scope.join(' ') || 'nothing'}. Request the scope with the token (token --scope "${wanted}"), and check that the issuer grants it to this client and user.`
}

function bindingAdvice(claims: Claims, { expected }: ResourceServerError): string {
  const confirmation = readConfirmation(claims)
  if (isRejection(confirmation)) {
    return `The token is sender-constrained in a way that the plugin cannot verify. Have the issuer write ${expected}.`
  }
  const [option, proof] =
    boundKeyOf(confirmation) === undefined
      ? ['"mtls"', 'use its certificate']
      : ['"dpop"', 'send a DPoP proof with each request']
  return `The token is sender-constrained: set the option ${option} in the API, and have the client ${proof}.`
}

const UNREADABLE = { claims: {}, header: { alg: '' } } as ParsedJws
