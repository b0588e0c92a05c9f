/** Defines and classifies introspection responses (RFC 7662 §2.2). */
import { ownMember } from '../base/plain-object.js'

/** The members of an "active" response, under their wire names. Deeply frozen. */
export type IntrospectionResponse = Readonly<Record<string, unknown>> & { readonly active: true }

/** `malformed`: the response has no boolean `active`, so it does not confirm the token. */
export type IntrospectionResult =
  | { readonly kind: 'active'; readonly response: IntrospectionResponse; readonly length: number }
  | { readonly kind: 'inactive' }
  | { readonly kind: 'malformed' }

/**
 * Classifies a response. Only the boolean `true` in `active` means that the token is active.
 *
 * @param length the length of the response text in characters, from which caches estimate sizes.
 */
export function resultOf(
  members: Readonly<Record<string, unknown>>,
  length: number,
): IntrospectionResult {
  const active = ownMember(members, 'active')
  if (active === true) return { kind: 'active', response: members as IntrospectionResponse, length }
  return { kind: active === false ? 'inactive' : 'malformed' }
}
