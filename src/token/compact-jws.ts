/**
 * The strict front door: a string becomes the parts of a JWS in compact serialization (RFC 7515
 * §3.1), or is refused. Nothing is trusted yet, and nothing here costs more than its own bytes.
 */
import { isUtf8 } from 'node:buffer'
import { describe, InvalidTokenError } from '../errors.js'
import { parseJsonObject } from '../json-object.js'

/** A token that is well-formed, and no more than that. */
export interface CompactJws {
  readonly raw: string
  readonly header: JoseHeader
  /** Frozen all the way down. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** RFC 7515 §4.1: the parameters that are read. The others are ignored, as §4 asks. */
export interface JoseHeader {
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: string | undefined
}

export function parseCompactJws(raw: string, maxLength: number): CompactJws {
  if (raw.length > maxLength) {
    throw malformed('The access token is too long', `at most ${maxLength} characters`, 'more')
  }
  const segments = raw.split('.')
  const [header, payload, signature] = segments
  if (segments.length !== 3 || header === undefined || payload === undefined) {
    throw wrongNumberOf(segments.length)
  }
  // The signature's bytes are read by whoever verifies it. Here only their spelling matters: each
  // further one would be another token to a cache.
  requireCanonical(signature as string)
  return {
    raw,
    header: readHeader(parseSegment(header)),
    claims: parseSegment(payload),
  }
}

function readHeader(header: Readonly<Record<string, unknown>>): JoseHeader {
  const { alg, kid, typ } = header
  if (typeof alg !== 'string') throw malformed(MALFORMED, '"alg": a string', typeof alg)
  if (kid !== undefined && typeof kid !== 'string') {
    throw malformed(MALFORMED, '"kid": a string or absent', typeof kid)
  }
  if (typ !== undefined && typeof typ !== 'string') {
    throw malformed(MALFORMED, '"typ": a string or absent', typeof typ)
  }
  // RFC 7515 §4.1.11: we understand no extension, so whatever is critical is not understood. The
  // same goes for an unencoded payload (RFC 7797), which §7 there forbids for a JWT.
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    throw malformed(
      'The access token asks for an extension that is not supported',
      'neither "crit" nor "b64" in the header',
      describe(header.crit),
    )
  }
  return { alg, kid, typ }
}

function parseSegment(segment: string): Readonly<Record<string, unknown>> {
  requireCanonical(segment)
  const bytes = Buffer.from(segment, 'base64url')
  const object = isUtf8(bytes) ? parseJsonObject(bytes.toString('utf8')) : undefined
  if (object === undefined) throw malformed(MALFORMED, 'JSON objects without duplicate members')
  return object
}

/**
 * RFC 7515 §2: base64url without padding, and nothing else in it. Decoders forgive stray last bits;
 * we don't, so that the same bytes have exactly one spelling.
 */
function requireCanonical(segment: string): void {
  const rest = segment.length % 4
  const strayBits = rest === 2 ? 0b1111 : rest === 3 ? 0b11 : 0
  const last = ALPHABET.indexOf(segment.charAt(segment.length - 1))
  if (!/^[A-Za-z0-9_-]+$/.test(segment) || rest === 1 || (last & strayBits) !== 0) {
    throw malformed(MALFORMED, 'canonical base64url')
  }
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

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const MALFORMED = 'The access token is malformed'

function malformed(message: string, expected: string, found?: string): InvalidTokenError {
  return new InvalidTokenError(message, { check: 'token', expected, found })
}
