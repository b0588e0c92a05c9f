/**
 * Describes a token without its issuer and audience: nothing is verified, so there is a result only
 * if an API rejects the input as credentials.
 */
import { isRejection } from '../../errors/result.js'
import { type Claims, parseCompactJws, withClaims } from '../../token/compact-jws.js'
import { decodeCheapObject } from '../../token/compact-serialization.js'
import { KnownHeaders } from '../../token/known-headers.js'
import { printableJson } from '../printable.js'
import { credentialsAdvice } from './credentials-advice.js'
import { type EncryptedLayer, readEncryptedLayer } from './encrypted-layer.js'
import { type GivenToken, readGivenToken } from './given-token.js'
import { looksLikeIdToken, SEND_ACCESS_TOKEN } from './id-token.js'
import { forIssuerItselfAdvice, malformedAdvice } from './malformed-advice.js'
import { type RequestResult, resultOfHeader } from './request-result.js'
import {
  describeExpiry,
  durationOf,
  inMilliseconds,
  looksLikeMilliseconds,
  timeOf,
} from './time.js'

/** Largest value of the option `maxTokenLength`. */
const MAX_TOKEN_LENGTH = 65_536

/** Something that the user should know about the token, and what to do. */
export interface Remark {
  readonly about: string
  readonly text: string
}

export interface DecodedToken {
  readonly given: GivenToken
  /** The rejection of the input as credentials; `undefined` if an API reads a token from it. */
  readonly rejection: Exclude<RequestResult, { readonly accepted: true }> | undefined
  /** The outer layer of an encrypted token; `undefined` if the token is not encrypted. */
  readonly layer: EncryptedLayer | undefined
  /** The header of the JWT; `undefined` if it cannot be decoded. */
  readonly header: Readonly<Record<string, unknown>> | undefined
  /** The claims, which anyone may have written; `undefined` if they cannot be decoded. */
  readonly claims: Claims | undefined
  readonly remarks: readonly Remark[]
}

/** @param now the current time, in milliseconds since the epoch. */
export function decodeToken(text: string, now: number): DecodedToken {
  const given = readGivenToken(text)
  const ofHeader = resultOfHeader(given)
  const layer = readEncryptedLayer(given.token)
  const [header, payload] = given.token.split('.', 2).map(decodeCheapObject)
  const claims = layer === undefined ? payload : undefined
  return {
    given,
    rejection: ofHeader.accepted ? undefined : ofHeader,
    layer,
    header: layer === undefined ? header : undefined,
    claims,
    remarks: [
      ...inputRemarks(given, ofHeader),
      ...tokenRemarks(given.token, layer),
      ...(claims === undefined ? [] : claimRemarks(claims, Math.floor(now / 1000))),
    ],
  }
}

function inputRemarks(given: GivenToken, { accepted }: RequestResult): readonly Remark[] {
  if (!accepted) return [{ about: 'input', text: credentialsAdvice(given) }]
  return given.isHeader ? [{ about: 'input', text: 'The token was read from the header.' }] : []
}

function tokenRemarks(raw: string, layer: EncryptedLayer | undefined): readonly Remark[] {
  if (layer !== undefined) {
    const text =
      forIssuerItselfAdvice(raw) ??
      'The token is encrypted, so its claims are not readable: add --issuer, --audience and --decryption-key with the private key of the API.'
    return [{ about: 'token', text }]
  }
  const jws = parseCompactJws(raw, MAX_TOKEN_LENGTH, new KnownHeaders())
  const parsed = isRejection(jws) ? jws : withClaims(jws)
  return isRejection(parsed)
    ? [{ about: 'token', text: malformedAdvice(raw, MAX_TOKEN_LENGTH) }]
    : []
}

function claimRemarks(claims: Claims, now: number): readonly Remark[] {
  return [
    ...(looksLikeIdToken(claims) ? [{ about: 'type', text: SEND_ACCESS_TOKEN }] : []),
    { about: 'issuer', text: issuerRemark(claims) },
    { about: 'audience', text: audienceRemark(claims) },
    { about: 'expiry', text: expiryRemark(claims, now) },
    ...startRemarks(claims, now),
    ...(claims.cnf === undefined ? [] : [{ about: 'binding', text: SENDER_CONSTRAINED }]),
  ]
}

const SENDER_CONSTRAINED =
  'The token is sender-constrained ("cnf"): the API needs the option "dpop" or "mtls", and the client a proof of possession for each request.'

function issuerRemark({ iss }: Claims): string {
  return typeof iss === 'string' && iss !== ''
    ? `"iss" is ${printableJson(iss)}. Is the "issuer" of your API exactly this value?`
    : 'The token has no "iss", or an invalid one, and an API rejects it. Get a token from the issuer of your API.'
}

function audienceRemark({ aud, client_id: clientId }: Claims): string {
  if (aud !== undefined) {
    const what = Array.isArray(aud) ? 'one of these values' : 'exactly this value'
    return `"aud" is ${printableJson(aud)}. Is the "audience" of your API ${what}?`
  }
  return typeof clientId === 'string'
    ? `The token has no "aud". If the issuer is Amazon Cognito, the "audience" of your API is the "client_id": is it ${printableJson(clientId)}? Otherwise request a token for your API.`
    : 'The token has no "aud": it is not for a particular API. Request a token for your API.'
}

function expiryRemark({ exp }: Claims, now: number): string {
  if (typeof exp !== 'number') {
    return 'The token has no "exp", or one that is not a number, and an API rejects it. Have the issuer write it, in seconds.'
  }
  return exp > now
    ? describeExpiry(exp, now)
    : `The token expired ${durationOf(now - exp)} ago, at ${timeOf(exp)}: get a new one.`
}

/** Returns remarks on a token that is not valid yet, or whose other times are in milliseconds. */
function startRemarks(claims: Claims, now: number): readonly Remark[] {
  return [['nbf', 'not-before'] as const, ['iat', 'issued-at'] as const].flatMap(
    ([name, about]) => {
      const time = claims[name]
      if (typeof time !== 'number' || time <= now) return []
      const text = looksLikeMilliseconds(time)
        ? `"${name}" seems to be in milliseconds (${inMilliseconds(time)}), and an API rejects it. Have the issuer divide it by 1000 and round down.`
        : `"${name}" is in ${durationOf(time - now)}, at ${timeOf(time)}: compare the clock of the issuer with the clock of this machine (${timeOf(now)}).`
      return [{ about, text }]
    },
  )
}
