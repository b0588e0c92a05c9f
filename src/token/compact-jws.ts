/**
 * The strict front door: a string becomes the parts of a JWS in compact serialization (RFC 7515
 * §3.1), or is refused. Nothing is trusted yet, and nothing here costs more than its own bytes.
 */
import type { InvalidTokenError } from '../errors.js'
import { isRefusal, type Outcome } from '../now-or-later.js'
import { decodeBase64url } from './base64url.js'
import { parseObject, splitCompact } from './compact-serialization.js'
import { type JoseHeader, readHeader } from './jose-header.js'
import type { KnownHeaders } from './known-headers.js'
import { MALFORMED, malformed } from './malformed.js'

/** A token that is well-formed, and no more than that. */
export interface CompactJws {
  readonly raw: string
  /** The header as it was sent. */
  readonly headerSegment: string
  readonly header: JoseHeader
  /** Frozen all the way down. */
  readonly claims: Readonly<Record<string, unknown>>
  /** What is signed (RFC 7515 §5.2): both segments and the dot between them. */
  readonly signingInput: string
  readonly signature: Uint8Array
}

/** @returns an `InvalidTokenError` if it isn't one, or longer than `maxLength` characters. */
export function parseCompactJws(
  raw: string,
  maxLength: number,
  knownHeaders: KnownHeaders,
): Outcome<CompactJws> {
  if (raw.length > maxLength) {
    return malformed('The access token is too long', `at most ${maxLength} characters`, 'more')
  }
  const segments = splitCompact(raw)
  if (segments === undefined) return wrongNumberOf(raw.split('.').length)
  const [headerSegment, payload, last] = segments
  const header = knownHeaders.get(headerSegment) ?? parseHeader(headerSegment)
  if (isRefusal(header)) return header
  const claims = parseSegment(payload)
  if (isRefusal(claims)) return claims
  const signature = decode(last)
  if (isRefusal(signature)) return signature
  const signingInput = raw.slice(0, headerSegment.length + 1 + payload.length)
  return { raw, headerSegment, header, claims, signingInput, signature }
}

function parseHeader(segment: string): Outcome<JoseHeader> {
  const header = parseSegment(segment)
  return isRefusal(header) ? header : readHeader(header)
}

function parseSegment(segment: string): Outcome<Readonly<Record<string, unknown>>> {
  const bytes = decode(segment)
  if (isRefusal(bytes)) return bytes
  return parseObject(bytes) ?? malformed(MALFORMED, 'JSON objects without duplicate members')
}

function decode(segment: string): Outcome<Buffer> {
  return decodeBase64url(segment) ?? malformed(MALFORMED, 'canonical base64url')
}

function wrongNumberOf(segments: number): InvalidTokenError {
  if (segments === 5) {
    return malformed(
      'The access token is encrypted, which is not supported here',
      'a signed token of three parts',
      'an encrypted one (JWE): have the issuer send signed tokens for this API',
    )
  }
  if (segments === 1) {
    return malformed(
      MALFORMED,
      'a JWT of three parts',
      'an opaque token: ask the issuer for JWT access tokens (often by naming an audience)',
    )
  }
  return malformed(MALFORMED, 'three parts', `${segments}`)
}
