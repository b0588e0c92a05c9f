/** Reads the confirmation claim `cnf` (RFC 7800 §3.1) of a sender-constrained token. */

import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { InvalidTokenError } from '../errors/errors.js'
import type { Result } from '../errors/result.js'

/**
 * The supported members of `cnf`, at least one. If both are present, the caller must prove
 * possession of the key and of the certificate.
 */
export interface Confirmation {
  /** Thumbprint of the client's key, SHA-256 in base64url (RFC 9449 §6.1). */
  readonly jkt?: string
  /** Thumbprint of the client's certificate, SHA-256 in base64url (RFC 8705 §3.1). */
  readonly 'x5t#S256'?: string
}

type ConfirmationMethod = keyof Confirmation

const METHODS: readonly ConfirmationMethod[] = ['jkt', 'x5t#S256']

/** Canonical base64url of 32 bytes, the length of SHA-256. */
const THUMBPRINT = /^[\w-]{42}[AEIMQUYcgkosw048]$/

/**
 * Reads `cnf`. Unsupported members are ignored (RFC 7800 §3.1) if there is a supported one.
 *
 * @returns `undefined` for a bearer token, which has no `cnf`. An `InvalidTokenError` if `cnf` is
 *   malformed or has no supported member.
 */
export function readConfirmation(
  claims: Readonly<Record<string, unknown>>,
): Result<Confirmation | undefined> {
  if (!Object.hasOwn(claims, 'cnf')) return undefined
  const cnf = ownMember(claims, 'cnf')
  const known = isJsonObject(cnf) ? METHODS.filter((method) => Object.hasOwn(cnf, method)) : []
  if (known.length === 0) return rejection('a "cnf" with "jkt" or "x5t#S256"')
  const confirmation: Partial<Record<ConfirmationMethod, string>> = {}
  for (const method of known) {
    const thumbprint = (cnf as Readonly<Record<string, unknown>>)[method]
    if (typeof thumbprint !== 'string' || !THUMBPRINT.test(thumbprint)) {
      return rejection(`"${method}" of "cnf": SHA-256 in base64url`)
    }
    confirmation[method] = thumbprint
  }
  return Object.freeze(confirmation)
}

/** Returns the thumbprint of the key that a token is bound to; `undefined` without such a key. */
export function boundKeyOf(confirmation: Confirmation | undefined): string | undefined {
  return confirmation && ownMember(confirmation, 'jkt')
}

/**
 * Returns the thumbprint of the certificate that a token is bound to; `undefined` without such a
 * certificate.
 */
export function boundCertificateOf(confirmation: Confirmation | undefined): string | undefined {
  return confirmation && ownMember(confirmation, 'x5t#S256')
}

function rejection(expected: string): InvalidTokenError {
  return new InvalidTokenError(
    'The access token is bound to a key or certificate that this API cannot verify',
    {
      check: 'binding',
      expected,
      found: 'another confirmation method, or a malformed one',
    },
  )
}
