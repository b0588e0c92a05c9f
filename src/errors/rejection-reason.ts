/**
 * Describes to the operator why a request was rejected: the name of the check, and what it expected
 * and found, escaped and limited in length. This description must not reach the client.
 */

/**
 * The name of the check that rejected a request. The names are in the order of the checks, except
 * that unavailable issuers and stores are last; see docs/security-model.md.
 */
export type Check =
  | 'credentials'
  | 'token'
  | 'decryption'
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
  | 'replay'
  | 'proof'
  | 'nonce'
  | 'authentication'
  | 'scope'
  | 'policy'
  | 'decryption-unavailable'
  | 'keys-unavailable'
  | 'introspection-unavailable'
  | 'store-unavailable'
  | 'exchange-unavailable'

/**
 * The reason for the rejection of a request, for the operator.
 *
 * `found` may contain untrusted input from the caller: a header parameter, `iss`, an audience
 * claim, a time or a token type, truncated to 200 characters and escaped to printable ASCII. It
 * never contains the token, its subject or other claims. If an issuer or a store is unavailable,
 * `found` says why, in at most 4,000 characters.
 */
export interface RejectionReason {
  /** The check that rejected the request. */
  readonly check: Check
  /** Describes what the check requires. */
  readonly expected?: string | undefined
  /**
   * Describes what the check found instead; `undefined` if the check found nothing, or a value that
   * may be confidential.
   */
  readonly found?: string | undefined
}

/**
 * A reason that formats the untrusted value only when the reason is read, because most reasons are
 * never read.
 */
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

/**
 * Returns an untrusted value as one line of JSON, which {@link printable} escapes and truncates;
 * `absent` for `undefined`.
 */
export function describe(value: unknown): string {
  return printable(value === undefined ? 'absent' : (JSON.stringify(value) ?? typeof value))
}

/**
 * Returns the type of a JSON value: "null" for null, "array" for an array, otherwise its `typeof`.
 */
export function jsonTypeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/**
 * Escapes all characters except printable ASCII. If the result has more than `maxLength`
 * characters, truncates it to that length and appends `…`.
 */
export function printable(text: string, maxLength = 200): string {
  const escaped = text.replace(/[^\x20-\x7e]/g, (c) => `\\u${hex(c)}`)
  return escaped.length > maxLength ? `${escaped.slice(0, maxLength)}…` : escaped
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0')
}
