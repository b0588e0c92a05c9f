/** Reads the JOSE header of a token (RFC 7515 §4). */
import { ownMember, ownMembers } from '../base/plain-object.js'
import { InvalidTokenError } from '../errors/errors.js'
import { describe, jsonTypeOf } from '../errors/rejection-reason.js'
import type { Result } from '../errors/result.js'

/**
 * All parameters of a JOSE header, under their wire names: own members only, deeply frozen. The
 * object has no prototype, so that an absent parameter is `undefined`.
 */
export type HeaderParameters = Readonly<Record<string, unknown>>

/** The header parameters that are read (RFC 7515 §4.1). */
export interface JoseHeader {
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: string | undefined
  /** All parameters, for profiles whose provider defines parameters of its own. */
  readonly parameters: HeaderParameters
}

/**
 * Reads a parsed header.
 *
 * @returns the parameters, or an `InvalidTokenError` if the header is malformed or requires an
 *   extension.
 */
export function readHeader(header: Readonly<Record<string, unknown>>): Result<JoseHeader> {
  const parameters = Object.freeze(ownMembers(header))
  const { alg, kid, typ } = parameters
  if (typeof alg !== 'string') return malformed(MALFORMED, '"alg": a string', jsonTypeOf(alg))
  if (kid !== undefined && typeof kid !== 'string') {
    return malformed(MALFORMED, '"kid": a string or absent', jsonTypeOf(kid))
  }
  if (typ !== undefined && typeof typ !== 'string') {
    return malformed(MALFORMED, '"typ": a string or absent', jsonTypeOf(typ))
  }
  // No extension is supported, so every token with "crit" is rejected (RFC 7515 §4.1.11). A token
  // with "b64" is rejected, because RFC 7797 §7 forbids an unencoded payload in a JWT.
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    return malformed(
      'The access token requires an extension that is not supported',
      'neither "crit" nor "b64" in the header',
      describe(ownMember(header, 'crit')),
    )
  }
  return { alg, kid, typ, parameters }
}

export const MALFORMED = 'The access token is malformed'

/** Returns a rejection with the check `token`. */
export function malformed(message: string, expected: string, found?: string): InvalidTokenError {
  return new InvalidTokenError(message, { check: 'token', expected, found })
}
