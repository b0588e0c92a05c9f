/** Checks the argument of `revoke()`. */
import { requireKnownKeys } from '../base/plain-object.js'
import { REVOCABLE_KINDS, type RevocableKind } from './revocation-names.js'
import type { CheckedRevocation, Revocation } from './revocations.js'

/** The properties of the trusted issuers on which the check of a revocation depends. */
export interface TrustedIssuers {
  /** Whether tokens of more than one issuer may be accepted. */
  readonly trustsSeveral: boolean
  /** Whether tokens with this `iss` may be accepted. */
  mayTrust(iss: string): boolean
}

/**
 * Returns the validated revocation, with defaults.
 *
 * @param now seconds since the epoch.
 * @throws {TypeError} if the revocation is invalid; the message names the fault and the fix.
 */
export function checkRevocation(
  given: Revocation,
  now: number,
  issuers: TrustedIssuers,
): CheckedRevocation {
  const keys = [...REVOCABLE_KINDS, 'issuer', 'before']
  const revocation = requireKnownKeys('a revocation', given, keys)
  const named = REVOCABLE_KINDS.filter((kind) => Object.hasOwn(revocation, kind))
  const [kind] = named
  const value = kind && revocation[kind]
  if (named.length !== 1 || typeof value !== 'string' || value === '') {
    throw new TypeError(
      `a revocation must have exactly one of ${REVOCABLE_KINDS.join(', ')}, with a non-empty string as its value`,
    )
  }
  const { issuer, before = defaultBefore(kind as RevocableKind, now) } = revocation
  if (issuer !== undefined && (typeof issuer !== 'string' || !issuers.mayTrust(issuer))) {
    // A revocation for any other issuer would silently match no token.
    throw new TypeError(
      '"issuer" of a revocation must be a trusted issuer identifier, exactly as in the "iss" of tokens',
    )
  }
  // "jti" is unique across issuers (RFC 7519 §4.1.7), the other identifiers within one issuer only.
  if (issuer === undefined && kind !== 'jti' && issuers.trustsSeveral) {
    throw new TypeError(
      `a revocation by ${kind} must name the "issuer", because several issuers are trusted and another may use the same ${kind}`,
    )
  }
  // Rejects milliseconds passed by mistake, which would revoke tokens for thousands of years.
  if (!(typeof before === 'number' && before >= 0 && (before <= 1e11 || before === FOREVER))) {
    throw new TypeError(
      '"before" of a revocation must be a time in seconds since the epoch, such as Date.now() / 1000',
    )
  }
  return { kind: kind as RevocableKind, value, issuer, before, revokedAt: now }
}

const FOREVER = Number.POSITIVE_INFINITY

/** Returns the default of `before`: now, or no limit for a `jti`, which identifies one token. */
function defaultBefore(kind: RevocableKind, now: number): number {
  return kind === 'jti' ? FOREVER : now
}
