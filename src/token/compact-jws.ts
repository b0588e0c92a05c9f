/**
 * The strict front door: a string becomes the parts of a JWS in compact serialization (RFC 7515
 * §3.1), or is refused. Nothing is trusted yet, and nothing here costs more than its own bytes.
 */
import type { InvalidTokenError } from '../errors.js'
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

/** @throws {InvalidTokenError} if it isn't one, or longer than `maxLength` characters. */
export function parseCompactJws(
  raw: string,
  maxLength: number,
  knownHeaders: KnownHeaders,
): CompactJws {
  if (raw.length > maxLength) {
    throw malformed('The access token is too long', `at most ${maxLength} characters`, 'more')
  }
  const segments = splitCompact(raw)
  if (segments === undefined) throw wrongNumberOf(raw.split('.').length)
  const [headerSegment, payload, signature] = segments
  return {
    raw,
    headerSegment,
    header: knownHeaders.get(headerSegment) ?? readHeader(parseSegment(headerSegment)),
    claims: parseSegment(payload),
    signingInput: raw.slice(0, headerSegment.length + 1 + payload.length),
    signature: decode(signature),
  }
}

function parseSegment(segment: string): Readonly<Record<string, unknown>> {
  const object = parseObject(decode(segment))
  if (object === undefined) throw malformed(MALFORMED, 'JSON objects without duplicate members')
  return object
}

function decode(segment: string): Buffer {
  const bytes = decodeBase64url(segment)
  if (bytes === undefined) throw malformed(MALFORMED, 'canonical base64url')
  return bytes
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
