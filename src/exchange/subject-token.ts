/**
 * Reads the token that is exchanged. The claims of a token that is given as a string are not
 * verified: they can only shorten the lifetime of a cache entry, or reject the token.
 */

import type { AccessToken } from '../access-token/access-token.js'
import { parseJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { isToken68 } from '../base/request-headers.js'
import { MissingCredentialsError } from '../errors/errors.js'
import { TokenExchangeError } from './token-exchange-error.js'

/** The members of `request.auth` that an exchange needs. */
export type ExchangeableToken = Pick<
  AccessToken,
  'raw' | 'issuer' | 'subject' | 'expiresAt' | 'confirmation'
>

/** A token that may be sent to the authorization server. */
export interface SubjectToken {
  readonly raw: string
  /** `exp`, in seconds since the epoch; infinite if unknown. */
  readonly expiresAt: number
  /** Identifies the user: issuer and subject, or the token itself if its subject is unknown. */
  readonly user: string
}

/** Maximum length of a subject or actor token, and of an issued token. */
export const MAX_TOKEN_LENGTH = 65_536

interface TokenOrigin {
  readonly issuer: unknown
  readonly subject: unknown
  readonly expiresAt: unknown
  readonly isBound: boolean
}

export interface SubjectTokenRules {
  /** The issuers whose tokens may be sent to the authorization server. */
  readonly subjectIssuers: ReadonlySet<string>
  readonly allowBoundTokens: boolean
}

/**
 * @throws {TypeError} if the value is neither an access token nor a string.
 * @throws {MissingCredentialsError} if it is null.
 * @throws {TokenExchangeError} if the token must not be sent to the authorization server.
 */
export function readSubjectToken(
  token: unknown,
  { subjectIssuers, allowBoundTokens }: SubjectTokenRules,
): SubjectToken {
  if (token === null) throw new MissingCredentialsError()
  const raw = isVerified(token) ? token.raw : token
  if (typeof raw !== 'string') {
    throw new TypeError(
      'the subject token must be an access token, such as request.auth, or a string',
    )
  }
  if (raw.length > MAX_TOKEN_LENGTH || !isToken68(raw)) throw unusable('is not an access token')
  const { issuer, subject, expiresAt, isBound } = isVerified(token)
    ? originOf(token)
    : originInJwt(raw)
  if (issuer !== undefined && !(typeof issuer === 'string' && subjectIssuers.has(issuer))) {
    throw unusable('is from an issuer that is not among "subjectIssuers"')
  }
  if (isBound && !allowBoundTokens) {
    throw unusable('is sender-constrained, and the issued token would not be bound to its key')
  }
  return {
    raw,
    expiresAt: typeof expiresAt === 'number' ? expiresAt : Number.POSITIVE_INFINITY,
    user: typeof subject === 'string' ? JSON.stringify([issuer, subject]) : raw,
  }
}

/** Whether the value has the members of an access token: of any copy of this package. */
function isVerified(token: unknown): token is ExchangeableToken {
  return (
    typeof token === 'object' &&
    token !== null &&
    ['issuer', 'subject', 'expiresAt', 'confirmation'].every((name) => Object.hasOwn(token, name))
  )
}

function originOf(token: ExchangeableToken): TokenOrigin {
  const { issuer, subject, expiresAt, confirmation } = token
  return { issuer, subject, expiresAt, isBound: confirmation !== undefined }
}

/** Returns the unverified claims of a JWT; nothing for an opaque token. */
function originInJwt(raw: string): TokenOrigin {
  const [, payload = '', signature] = raw.split('.')
  const claims =
    signature === undefined
      ? undefined
      : parseJsonObject(Buffer.from(payload, 'base64url').toString())
  return {
    issuer: claims && ownMember(claims, 'iss'),
    subject: claims && ownMember(claims, 'sub'),
    expiresAt: claims && ownMember(claims, 'exp'),
    isBound: claims !== undefined && Object.hasOwn(claims, 'cnf'),
  }
}

function unusable(what: string): TokenExchangeError {
  return new TokenExchangeError(`The token was not sent to the authorization server: it ${what}`, {
    error: 'invalid_subject_token',
  })
}
