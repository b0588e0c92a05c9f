/** The refusal of a DPoP proof (RFC 9449 §7.1). */
import { InvalidDPoPProofError } from '../../errors/errors.js'

export function invalidProof(message: string, expected: string): InvalidDPoPProofError {
  return new InvalidDPoPProofError(message, { expected })
}
