/**
 * Sender-constrained tokens (RFC 7800 `cnf`): a token that is bound to a key (RFC 9449) or to a
 * certificate (RFC 8705) is worth nothing without the proof, and no proof is understood here yet.
 */
import type { AccessTokenClaims } from './access-token-claims.js'
import { InvalidTokenError } from './errors.js'

/** @throws {InvalidTokenError} if the token is bound to anything at all, known or not. */
export function requireUnbound(claims: AccessTokenClaims): void {
  if (!Object.hasOwn(claims, 'cnf')) return
  throw new InvalidTokenError('The access token is bound to a key and needs a proof of it', {
    check: 'binding',
    expected: 'a token without "cnf", because proofs (DPoP, mutual TLS) are not supported yet',
    found: 'a sender-constrained token',
  })
}
