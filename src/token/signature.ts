/** Which of an issuer's keys signed a token (RFC 7515 §5.2). jose does the cryptography. */
import { compactVerify } from 'jose'
import type { Algorithm } from '../algorithms.js'
import { InvalidTokenError } from '../errors.js'
import type { VerificationKey } from '../keys/verification-key.js'
import type { CompactJws } from './compact-jws.js'

/**
 * The key that verifies the token, of the candidates in their order.
 *
 * @throws {InvalidTokenError} if there is none.
 */
export async function requireSignature(
  jws: CompactJws,
  algorithm: Algorithm,
  candidates: readonly VerificationKey[],
): Promise<VerificationKey> {
  if (candidates.length === 0) {
    throw new InvalidTokenError('The access token is signed with an unknown key', {
      check: 'key',
      expected: 'a key that the issuer publishes, for the algorithm of the token',
    })
  }
  for (const key of candidates) {
    if (await isSignedBy(key, jws.raw, algorithm)) return key
  }
  throw new InvalidTokenError('The signature of the access token is not valid', {
    check: 'signature',
  })
}

async function isSignedBy(key: VerificationKey, raw: string, algorithm: Algorithm) {
  try {
    await compactVerify(raw, key.material, { algorithms: [algorithm] })
    return true
  } catch {
    // Whatever the reason, jose does not vouch for it.
    return false
  }
}
