/**
 * Finds the binding of an introspected token (RFC 9449 §6.2, RFC 8705 §3.2), which the response, the
 * token itself or both may name.
 */
import {
  boundCertificateOf,
  boundKeyOf,
  type Confirmation,
  readConfirmation,
} from '../access-token/confirmation.js'
import { parseJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import type { Binding } from '../binding/binding.js'
import { InvalidTokenError } from '../errors/errors.js'
import { isRejection, type Rejection, type Result } from '../errors/result.js'
import type { Claims } from '../token/compact-jws.js'
import { decodeText } from '../token/compact-serialization.js'

export interface BindingRules {
  readonly binding: Pick<Binding, 'checkProvable'>
}

/** Reads `cnf` from an introspection response (RFC 9449 §6.2, RFC 8705 §3.2). */
export function confirmationIn(
  response: Claims,
  { binding }: BindingRules,
): Result<Confirmation | undefined> {
  const confirmation = readConfirmation(response)
  if (isRejection(confirmation)) return confirmation
  const type = ownMember(response, 'token_type')
  if (boundKeyOf(confirmation) === undefined && typeof type === 'string' && /^dpop$/i.test(type)) {
    // The token is bound to a key, but the response does not contain the thumbprint of that key.
    return bindingDiffers('"jkt" in "cnf" of a DPoP token')
  }
  return binding.checkProvable(confirmation) ?? confirmation
}

/**
 * Returns the text of each dot-separated part that can be decoded; an empty array for a token
 * without dots. Reads all parts, because an issuer may accept a JWT with one dot too many or too
 * few, which this API treats as an opaque token.
 */
export function decodedParts(raw: string): readonly string[] {
  const parts = raw.split('.')
  return parts.length === 1 ? [] : parts.flatMap((part) => decodeText(part) ?? [])
}

/**
 * Reads `cnf` from the unverified text of an introspected token. The binding is enforced even if
 * the response omits it, so that a bound token is never downgraded to a bearer token. A forged
 * `cnf` can only cause a rejection.
 */
export function embeddedConfirmation(
  texts: readonly string[],
  { binding }: BindingRules,
): Result<Confirmation | undefined> {
  const confirmations: Confirmation[] = []
  for (const text of texts) {
    const claims = parseJsonObject(text)
    const confirmation = claims && readConfirmation(claims)
    if (isRejection(confirmation)) return confirmation
    if (confirmation !== undefined) confirmations.push(confirmation)
  }
  const [embedded] = confirmations
  if (confirmations.every((other) => isSameBinding(other, embedded))) {
    return binding.checkProvable(embedded) ?? embedded
  }
  return bindingDiffers('one binding', 'several')
}

/**
 * Rejects a response whose binding differs from that of the token. A response without a binding
 * passes, because the binding of the token remains in force.
 */
export function checkSameBinding(
  responded: Confirmation | undefined,
  embedded: Confirmation | undefined,
): Rejection | undefined {
  if (responded === undefined || isSameBinding(responded, embedded)) return undefined
  return bindingDiffers('the binding that the token itself has')
}

function isSameBinding(left: Confirmation, right: Confirmation | undefined): boolean {
  return (
    boundKeyOf(left) === boundKeyOf(right) && boundCertificateOf(left) === boundCertificateOf(right)
  )
}

function bindingDiffers(
  expected: string,
  found = 'another binding in the introspection response',
): Rejection {
  return new InvalidTokenError(
    'The access token is bound to a key or certificate that this API cannot verify',
    {
      check: 'binding',
      expected,
      found,
    },
  )
}
