/** Reads the actors of a token: the parties that act on behalf of its subject (RFC 8693 §4.1). */
import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'

/**
 * A party that acts for the subject of a token: a service, a support agent or an AI agent
 * (RFC 8693 §4.1). At least `subject` or `clientId` is set.
 */
export interface Actor {
  /** `sub` of the actor, which is unique only for one issuer; `undefined` if absent. */
  readonly subject: string | undefined
  /** `iss` of the actor; `undefined` if absent, which means the issuer of the token. */
  readonly issuer: string | undefined
  /** `client_id` of the actor; `undefined` if absent. */
  readonly clientId: string | undefined
}

/**
 * Whether a value is a valid `act` claim: an object that identifies an actor by strings, and whose
 * own `act`, if present, is such an object too. `undefined`, the absent claim, is valid as well.
 * The loop ends, because claims are parsed with a limited depth.
 */
export function isActorClaim(act: unknown): boolean {
  for (let next: unknown = act; next !== undefined; ) {
    if (!isJsonObject(next)) return false
    const [sub, clientId] = [ownMember(next, 'sub'), ownMember(next, 'client_id')]
    const isIdentified = sub !== undefined || clientId !== undefined
    if (!isIdentified || ![sub, clientId, ownMember(next, 'iss')].every(isStringOrAbsent)) {
      return false
    }
    next = ownMember(next, 'act')
  }
  return true
}

function isStringOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

/** Returns the actors in a valid `act` claim: the current actor first, then earlier ones. */
export function actorsOf(claims: object): readonly Actor[] {
  const actors: Actor[] = []
  for (
    let next = ownMember(claims as { act?: unknown }, 'act');
    isJsonObject(next);
    next = ownMember(next, 'act')
  ) {
    actors.push(
      Object.freeze({
        subject: ownMember(next, 'sub') as string | undefined,
        issuer: ownMember(next, 'iss') as string | undefined,
        clientId: ownMember(next, 'client_id') as string | undefined,
      }),
    )
  }
  return actors
}
