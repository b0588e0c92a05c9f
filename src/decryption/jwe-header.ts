/** Reads the protected header of a JWE (RFC 7516 §4), strictly, before any key is used. */
import { isPlainObject, ownMember, ownMembers } from '../base/plain-object.js'
import type { Result } from '../errors/result.js'
import { decodeCheapObject } from '../token/compact-serialization.js'
import { MALFORMED, malformed } from '../token/jose-header.js'
import { mediaType } from '../token/token-type.js'

/** The header parameters that select the key. */
export interface JweHeader {
  readonly alg: string
  readonly enc: string
  readonly kid: string | undefined
  /** `crv` of the ephemeral public key (RFC 7518 §4.6.1.1). */
  readonly curve: unknown
}

/**
 * Reads the header.
 *
 * @returns the parameters, or an `InvalidTokenError` if the header is malformed, requires an
 *   extension or compression, or declares a content other than a JWT.
 */
export function readJweHeader(segment: string): Result<JweHeader> {
  const header = decodeCheapObject(segment)
  if (header === undefined) {
    return malformed(MALFORMED, 'a header that is a JSON object without duplicate members')
  }
  const { alg, enc, kid, cty, epk } = ownMembers(header)
  if (typeof alg !== 'string' || typeof enc !== 'string') {
    return malformed(MALFORMED, '"alg" and "enc": strings')
  }
  if (kid !== undefined && typeof kid !== 'string') {
    return malformed(MALFORMED, '"kid": a string or absent')
  }
  // Compressed plaintext could be a thousand times as long as the token.
  const extension = ['crit', 'zip', 'b64'].find((name) => Object.hasOwn(header, name))
  if (extension !== undefined) {
    return malformed(
      'The access token requires an extension that is not supported',
      'neither "crit" nor "zip" nor "b64" in the header of the encrypted token',
      extension,
    )
  }
  // A decryption does not prove who encrypted, so the content must be a signed JWT (RFC 7519 §5.2).
  if (typeof cty !== 'string' || !CONTENT_TYPES.includes(mediaType(cty))) {
    return malformed(
      MALFORMED,
      '"cty": JWT in the header of the encrypted token',
      typeof ownMember(header, 'cty'),
    )
  }
  return { alg, enc, kid, curve: isPlainObject(epk) ? ownMember(epk, 'crv') : undefined }
}

const CONTENT_TYPES: readonly string[] = ['jwt', 'at+jwt']
