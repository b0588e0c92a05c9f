/** What an introspection endpoint says about a token (RFC 7662 §2.2). */
import { ownMember } from '../base/plain-object.js'

/** The members of an answer about an active token, under their wire names. Frozen all the way down. */
export type IntrospectionAnswer = Readonly<Record<string, unknown>> & { readonly active: true }

/** `malformed`: an answer, but none that says "active" with a boolean. It vouches for nothing. */
export type IntrospectionResult =
  | { readonly kind: 'active'; readonly answer: IntrospectionAnswer; readonly length: number }
  | { readonly kind: 'inactive' }
  | { readonly kind: 'malformed' }

/**
 * Only the boolean `true` is active.
 *
 * @param length of the answer as it came, for whoever keeps it.
 */
export function outcomeOf(
  members: Readonly<Record<string, unknown>>,
  length: number,
): IntrospectionResult {
  const active = ownMember(members, 'active')
  if (active === true) return { kind: 'active', answer: members as IntrospectionAnswer, length }
  return { kind: active === false ? 'inactive' : 'malformed' }
}
