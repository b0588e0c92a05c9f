/** Compiles the requirement on the actor of a token (RFC 8693 §4.1). */

import type { AccessToken } from '../access-token/access-token.js'
import type { Actor } from '../access-token/actor.js'
import { elementsOf } from '../base/check.js'
import { requireKnownKeys } from '../base/plain-object.js'

/**
 * An accepted actor. Each member that is set must equal that member of the actor; at least
 * `subject` or `clientId` must be set. `issuer` defaults to the issuer of the token, because
 * another issuer may use the same subject for another party.
 */
export interface ActorRule {
  /** `sub` of the actor. */
  subject?: string
  /** `client_id` of the actor. */
  clientId?: string
  /** `iss` of the actor. Default: the issuer of the token. */
  issuer?: string
}

/**
 * The actors that may use a token on behalf of its subject. `'none'` accepts only tokens that name
 * no actor, and rejects, for example, a support agent or a service with a delegated token. An array
 * also accepts tokens that name one of its actors. Only the current actor is compared,
 * not earlier ones (RFC 8693 §4.1).
 */
export type ActorRequirement = 'none' | readonly ActorRule[]

/**
 * Returns a function that decides whether the actor of a token is accepted; `undefined` if there is
 * no requirement.
 *
 * @throws {TypeError} if the requirement is invalid; the message names the fix.
 */
export function compileActor(
  requirement: ActorRequirement | undefined,
): ((token: AccessToken) => boolean) | undefined {
  if (requirement === undefined) return undefined
  if (requirement === 'none') return ({ actor }) => actor === undefined
  const given = elementsOf(requirement)
  if (given === undefined || given.length === 0) throw invalid()
  const rules = given.map((rule) => readRule(rule as ActorRule))
  return ({ actor, issuer }) =>
    actor === undefined || rules.some((rule) => isMatch(rule, actor, issuer))
}

function readRule(given: ActorRule): ActorRule {
  const rule = requireKnownKeys('an actor', given, ['subject', 'clientId', 'issuer'])
  const values = Object.values(rule)
  const identifies = rule.subject !== undefined || rule.clientId !== undefined
  if (!identifies || !values.every((value) => typeof value === 'string' && value !== '')) {
    throw invalid()
  }
  return rule
}

function isMatch({ subject, clientId, issuer }: ActorRule, actor: Actor, tokenIssuer: string) {
  return (
    (subject === undefined || subject === actor.subject) &&
    (clientId === undefined || clientId === actor.clientId) &&
    (issuer ?? tokenIssuer) === (actor.issuer ?? tokenIssuer)
  )
}

function invalid(): TypeError {
  return new TypeError(
    '"actor" must be \'none\' or a non-empty array of actors, each with a "subject" or a ' +
      '"clientId", such as [{ subject: \'service-1\' }]',
  )
}
