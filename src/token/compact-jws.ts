/**
 * Parses a JWS in compact serialization (RFC 7515 §3.1), strictly. The result is untrusted until
 * the signature is verified. The cost is linear in the length of the input.
 */

import { parseJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import type { InvalidTokenError } from '../errors/errors.js'
import { isRejection, type Result } from '../errors/result.js'
import { decodeBase64url } from './base64url.js'
import { decodeUtf8, splitCompact } from './compact-serialization.js'
import { type JoseHeader, MALFORMED, malformed, readHeader } from './jose-header.js'
import { isCheapToParse, readTopLevelString } from './json-cost.js'
import type { KnownHeaders } from './known-headers.js'

/** The claims of a token or of an introspection response, whose types are not checked yet. */
export type Claims = Readonly<Record<string, unknown>>

/** A token whose syntax was checked. Its signature and claims are not verified yet. */
export interface CompactJws {
  readonly raw: string
  /** The encoded header, as the caller sent it. */
  readonly headerSegment: string
  readonly header: JoseHeader
  /**
   * The claims, deeply frozen. `undefined` if they are costly to parse: {@link withClaims} parses
   * them after the signature is verified.
   */
  readonly claims: Claims | undefined
  /**
   * All claims; if these are costly to parse, only `iss` and `tid`, which identify the issuer.
   */
  readonly issuerClaims: Claims
  /** The claims as JSON text. */
  readonly payload: string
  /** The signing input (RFC 7515 §5.2): the header and payload segments, joined by a dot. */
  readonly signingInput: string
  readonly signature: Uint8Array
}

export interface ParsedJws extends CompactJws {
  readonly claims: Claims
}

/**
 * Parses a token.
 *
 * @returns the parsed token, or an `InvalidTokenError` if the token is malformed or longer than
 *   `maxLength` characters.
 */
export function parseCompactJws(
  raw: string,
  maxLength: number,
  knownHeaders: KnownHeaders,
): Result<CompactJws> {
  if (raw.length > maxLength) {
    return malformed('The access token is too long', `at most ${maxLength} characters`, 'more')
  }
  const segments = splitCompact(raw)
  if (segments === undefined) return wrongSegmentCount(raw)
  const [headerSegment, payloadSegment, last] = segments
  const header = knownHeaders.get(headerSegment) ?? parseHeader(headerSegment, knownHeaders)
  if (isRejection(header)) return header
  const payload = decodeText(payloadSegment)
  if (isRejection(payload)) return payload
  const claims = isCheapToParse(payload) ? parseObject(payload) : undefined
  if (isRejection(claims)) return claims
  const signature = decode(last)
  if (isRejection(signature)) return signature
  return {
    raw,
    headerSegment,
    header,
    claims,
    issuerClaims: claims ?? readIssuerClaims(payload),
    payload,
    signingInput: raw.slice(0, headerSegment.length + 1 + payloadSegment.length),
    signature,
  }
}

export function hasClaims(jws: CompactJws): jws is ParsedJws {
  return jws.claims !== undefined
}

/**
 * Parses the claims, unless they are parsed already. Call this function only after the signature is
 * verified.
 *
 * @returns the token with its claims; an `InvalidTokenError` if the claims are not a JSON object
 *   without duplicate members, or if they identify another issuer than `issuerClaims`.
 */
export function withClaims(jws: CompactJws): Result<ParsedJws> {
  if (hasClaims(jws)) return jws
  const claims = parseObject(jws.payload)
  if (isRejection(claims)) return claims
  const isSame = ISSUER_CLAIMS.every(
    (name) => ownString(claims, name) === ownMember(jws.issuerClaims, name),
  )
  return isSame
    ? { ...jws, claims }
    : malformed(MALFORMED, 'the member names "iss" and "tid" without \\u escapes')
}

/** The claims that {@link IssuerSource.resolve} reads. */
const ISSUER_CLAIMS = ['iss', 'tid']

function readIssuerClaims(payload: string): Claims {
  return Object.fromEntries(ISSUER_CLAIMS.map((name) => [name, readTopLevelString(payload, name)]))
}

/** Returns the claim; `undefined` if it is not a string, like {@link readTopLevelString}. */
function ownString(claims: Claims, name: string): string | undefined {
  const value = ownMember(claims, name)
  return typeof value === 'string' ? value : undefined
}

function parseHeader(segment: string, knownHeaders: KnownHeaders): Result<JoseHeader> {
  const text = decodeText(segment)
  if (isRejection(text)) return text
  if (!isCheapToParse(text)) return malformed(MALFORMED, 'a header with few members', 'more')
  const parameters = parseObject(text)
  const header = isRejection(parameters) ? parameters : readHeader(parameters)
  if (!isRejection(header)) knownHeaders.rememberLatest(segment, header)
  return header
}

function parseObject(text: string): Result<Claims> {
  return parseJsonObject(text) ?? notAnObject()
}

function decodeText(segment: string): Result<string> {
  const bytes = decode(segment)
  if (isRejection(bytes)) return bytes
  return decodeUtf8(bytes) ?? notAnObject()
}

function notAnObject(): InvalidTokenError {
  return malformed(MALFORMED, 'JSON objects without duplicate members')
}

function decode(segment: string): Result<Buffer> {
  return decodeBase64url(segment) ?? malformed(MALFORMED, 'canonical base64url')
}

function wrongSegmentCount(raw: string): InvalidTokenError {
  // Node joins the values of a repeated header with a comma. Two JWTs have five segments then.
  if (raw.includes(',')) {
    return malformed(MALFORMED, 'one token', 'several values of a repeated header')
  }
  const segments = raw.split('.').length
  if (segments === 5) {
    return malformed(
      'The access token is encrypted, which is not supported here',
      'a signed token of three parts',
      'an encrypted token (JWE): set "decryption", or configure the issuer not to encrypt tokens for this API',
    )
  }
  if (segments === 1) {
    return malformed(
      MALFORMED,
      'a JWT of three parts',
      'an opaque token: request JWT access tokens from the issuer (often with an audience)',
    )
  }
  return malformed(MALFORMED, 'three parts', `${segments}`)
}
