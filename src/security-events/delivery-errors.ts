/** The error codes with which a recipient rejects a security event token (RFC 8935 §2.4). */
import type { InvalidTokenError } from '../errors/errors.js'
import type { Check } from '../errors/rejection-reason.js'

/** How a transmitter learns that a token was rejected (RFC 8935 §2.3, RFC 8936 §2.4). */
export interface DeliveryError {
  readonly err: string
  /** A fixed sentence, which contains nothing of the token. */
  readonly description: string
}

const CODES: ReadonlyMap<Check, string> = new Map([
  ['issuer', 'invalid_issuer'],
  ['audience', 'invalid_audience'],
  ['algorithm', 'invalid_key'],
  ['key', 'invalid_key'],
  ['signature', 'authentication_failed'],
  ['policy', 'access_denied'],
])

export function deliveryErrorOf({ check, message }: InvalidTokenError): DeliveryError {
  return { err: CODES.get(check) ?? 'invalid_request', description: message }
}
