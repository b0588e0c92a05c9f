/**
 * What an operator is told of a refusal: the step that refused, what would have passed, and what was
 * there instead, made fit for their eyes. None of it is for the caller.
 */

/** The step that rejected a request, in the order of the checks; docs/security-model.md lists them. */
export type Check =
  | 'credentials'
  | 'token'
  | 'issuer'
  | 'algorithm'
  | 'claims'
  | 'type'
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
 * Why a request was refused, for the operator.
 *
 * `found` may hold what the caller sent (an issuer, an audience, a time), cut to 200 characters and
 * with every control character escaped. It is input from a stranger: look at it, don't trust it. Where
 * an issuer or a store is out of reach, it says why, in at most 4,000 characters. It never holds the token, a subject or any other claim.
 */
export interface RejectionReason {
  /** The step that refused. */
  readonly check: Check
  /** What would have passed, in words. */
  readonly expected?: string | undefined
  /** What the caller sent instead, where that is no secret. */
  readonly found?: string | undefined
}

/**
 * A reason about a value that a stranger sent. The value is described when somebody looks, because
 * for most refusals nobody does.
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

/** Makes a stranger's value fit for an operator's eyes: bounded, on one line, escaped. */
export function describe(value: unknown): string {
  return printable(value === undefined ? 'absent' : (JSON.stringify(value) ?? typeof value))
}

/** The kind of a JSON value: as `typeof` has it, but "null" and "array" by their own names. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** Bounded, on one line, every character that isn't plain escaped. 200 suit a caller's input. */
export function printable(text: string, maxLength = 200): string {
  const escaped = text.replace(/[^\x20-\x7e]/g, (c) => `\\u${hex(c)}`)
  return escaped.length > maxLength ? `${escaped.slice(0, maxLength)}…` : escaped
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0')
}
