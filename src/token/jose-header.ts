/** The header of a token (RFC 7515 §4). */
import { ownMember, ownMembers } from '../base/plain-object.js'
import { InvalidTokenError } from '../errors/errors.js'
import { describe, kindOf } from '../errors/rejection-reason.js'
import type { Result } from '../errors/result.js'

/** RFC 7515 §4.1: the parameters that are read. The others are ignored, as §4 asks. */
export interface JoseHeader {
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: string | undefined
}

/** @returns an `InvalidTokenError` if it isn't a header, or asks for what isn't understood. */
export function readHeader(header: Readonly<Record<string, unknown>>): Result<JoseHeader> {
  const { alg, kid, typ } = ownMembers(header)
  if (typeof alg !== 'string') return malformed(MALFORMED, '"alg": a string', kindOf(alg))
  if (kid !== undefined && typeof kid !== 'string') {
    return malformed(MALFORMED, '"kid": a string or absent', kindOf(kid))
  }
  if (typ !== undefined && typeof typ !== 'string') {
    return malformed(MALFORMED, '"typ": a string or absent', kindOf(typ))
  }
  // RFC 7515 §4.1.11: we understand no extension, so whatever is critical is not understood. The
  // same goes for an unencoded payload (RFC 7797), which §7 there forbids for a JWT.
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    return malformed(
      'The access token asks for an extension that is not supported',
      'neither "crit" nor "b64" in the header',
      describe(ownMember(header, 'crit')),
    )
  }
  return { alg, kid, typ }
}

export const MALFORMED = 'The access token is malformed'

/** Returns the rejection of what is no token, before anything in it is trusted. */
export function malformed(message: string, expected: string, found?: string): InvalidTokenError {
  return new InvalidTokenError(message, { check: 'token', expected, found })
}
