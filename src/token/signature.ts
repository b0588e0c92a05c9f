/** Which of an issuer's keys signed a token (RFC 7515 §5.2). jose does the cryptography. */
import { compactVerify } from 'jose'
import type { Algorithm } from '../algorithms.js'
import { InvalidTokenError } from '../errors.js'
import type { KeySource } from '../keys/key-source.js'
import type { VerificationKey } from '../keys/verification-key.js'
import type { CompactJws } from './compact-jws.js'

/**
 * The key that verifies the token: of those with its `kid`, or without one of all that fit (RFC 7515
 * §4.1.4).
 *
 * @throws {InvalidTokenError} if there is none.
 * @throws {KeysUnavailableError} if the issuer can't be asked for a key that isn't at hand.
 */
export async function requireSigner(
  { raw, header: { kid } }: CompactJws,
  algorithm: Algorithm,
  keys: KeySource,
): Promise<VerificationKey> {
  const candidates = await keys.find(algorithm, kid)
  const signer = await firstSigner(raw, algorithm, candidates)
  if (signer !== undefined) return signer
  if (candidates.length === 0) {
    throw new InvalidTokenError('The access token is signed with an unknown key', {
      check: 'key',
      expected: 'a key that the issuer publishes, for the algorithm of the token',
    })
  }
  // Without a name only a failure tells that the issuer may have rotated.
  const newer = kid === undefined ? await keys.findNewer(algorithm, candidates) : []
  const newSigner = await firstSigner(raw, algorithm, newer)
  if (newSigner !== undefined) return newSigner
  throw new InvalidTokenError('The signature of the access token is not valid', {
    check: 'signature',
  })
}

async function firstSigner(
  raw: string,
  algorithm: Algorithm,
  candidates: readonly VerificationKey[],
): Promise<VerificationKey | undefined> {
  for (const key of candidates) {
    if (await isSignedBy(key, raw, algorithm)) return key
  }
  return undefined
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
