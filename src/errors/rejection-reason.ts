/**
 * Describes for the operator why a request was rejected: the check, what it expected and what it
 * found, escaped and bounded. Nothing of it may reach the client.
 */

/** The check that rejected a request, in the order of the checks; see docs/security-model.md. */
export type Check =
  | 'credentials'
  | 'token'
  | 'issuer'
  | 'algorithm'
  | 'type'
  | 'claims'
  | 'expiry'
  | 'not-before'
  | 'issued-at'
  | 'age'
  | 'audience'
  | 'binding'
  | 'key'
  | 'signature'
  | 'introspection'
  | 'revocation'
  | 'proof'
  | 'nonce'
  | 'authentication'
  | 'scope'
  | 'policy'
  | 'keys-unavailable'
  | 'introspection-unavailable'
  | 'store-unavailable'

/**
 * Why a request was rejected, for the operator.
 *
 * `found` may contain untrusted input of the caller (an issuer, an audience, a time), truncated to
 * 200 characters and escaped to printable ASCII. If an issuer or a store is unavailable, it says
 * why, in at most 4,000 characters. It never contains the token, a subject or any other claim.
 */
export interface RejectionReason {
  /** The check that rejected the request. */
  readonly check: Check
  /** What the check requires, in words. */
  readonly expected?: string | undefined
  /** What the caller sent instead, unless that is a secret. */
  readonly found?: string | undefined
}

/** A reason that describes an untrusted value only when it is read, which most never are. */
export class LazyReason {
  readonly check: Check
  readonly expected: string
  readonly #value: unknown

  constructor(check: Check, expected: string, value: unknown) {
    this.check = check
    this.expected = expected
    this.#value = value
  }

  described(): RejectionReason {
    return { check: this.check, expected: this.expected, found: describe(this.#value) }
  }
}

/** Renders an untrusted value for the operator: as JSON, bounded, on one line, escaped. */
export function describe(value: unknown): string {
  return printable(value === undefined ? 'absent' : (JSON.stringify(value) ?? typeof value))
}

/** Returns the type of a JSON value: like `typeof`, but tells "null" and "array" apart. */
export function jsonTypeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** Escapes everything but printable ASCII and truncates to `maxLength` characters. */
export function printable(text: string, maxLength = 200): string {
  const escaped = text.replace(/[^\x20-\x7e]/g, (c) => `\\u${hex(c)}`)
  return escaped.length > maxLength ? `${escaped.slice(0, maxLength)}…` : escaped
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0')
}
