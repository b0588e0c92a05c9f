/** What a token is bound to (RFC 7800 §3.1): worth nothing without the proof. */

import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { InvalidTokenError } from '../errors/errors.js'
import type { Result } from '../errors/result.js'

/** The members of `cnf` that are understood here. At least one; where there are both, both hold. */
export interface Confirmation {
  /** The thumbprint of the client's key (RFC 9449 §6.1). */
  readonly jkt?: string
  /** The thumbprint of the client's certificate (RFC 8705 §3.1). */
  readonly 'x5t#S256'?: string
}

type ConfirmationMethod = keyof Confirmation

const METHODS: readonly ConfirmationMethod[] = ['jkt', 'x5t#S256']

/** SHA-256 in base64url. */
const THUMBPRINT = /^[\w-]{42}[AEIMQUYcgkosw048]$/

/**
 * What the token is bound to; `undefined` for a bearer token. Members that aren't understood are
 * ignored, as RFC 7800 §3.1 wants, but only beside one that is.
 *
 * @returns an `InvalidTokenError` if it is bound to anything that we can't have proven.
 */
export function readConfirmation(
  claims: Readonly<Record<string, unknown>>,
): Result<Confirmation | undefined> {
  if (!Object.hasOwn(claims, 'cnf')) return undefined
  const cnf = ownMember(claims, 'cnf')
  const known = isJsonObject(cnf) ? METHODS.filter((method) => Object.hasOwn(cnf, method)) : []
  if (known.length === 0) return refusal('a "cnf" with "jkt" or "x5t#S256"')
  const confirmation: Partial<Record<ConfirmationMethod, string>> = {}
  for (const method of known) {
    const thumbprint = (cnf as Readonly<Record<string, unknown>>)[method]
    if (typeof thumbprint !== 'string' || !THUMBPRINT.test(thumbprint)) {
      return refusal(`"${method}" of "cnf": SHA-256 in base64url`)
    }
    confirmation[method] = thumbprint
  }
  return Object.freeze(confirmation)
}

/** The key that a token is bound to, by its thumbprint. */
export function boundKeyOf(confirmation: Confirmation | undefined): string | undefined {
  return confirmation && ownMember(confirmation, 'jkt')
}

/** The certificate that a token is bound to, by its thumbprint. */
export function boundCertificateOf(confirmation: Confirmation | undefined): string | undefined {
  return confirmation && ownMember(confirmation, 'x5t#S256')
}

function refusal(expected: string): InvalidTokenError {
  return new InvalidTokenError(
    'The access token is bound to something that cannot be proven here',
    {
      check: 'binding',
      expected,
      found: 'another kind of binding',
    },
  )
}
