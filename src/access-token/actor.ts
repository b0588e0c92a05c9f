/** The actors of a token: who uses it on behalf of its subject (RFC 8693 §4.1). */
import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'

/**
 * A party that acts for the subject of a token: a service, a support agent or an AI agent
 * (RFC 8693 §4.1). At least `subject` or `clientId` is set.
 */
export interface Actor {
  /** `sub` of the actor; unique in combination with {@link issuer}. */
  readonly subject: string | undefined
  /** `iss` of the actor; `undefined` if the claim names none, which means the token's issuer. */
  readonly issuer: string | undefined
  /** `client_id` of the actor. */
  readonly clientId: string | undefined
}

/**
 * Whether a value is a valid `act` claim: an object that identifies an actor by strings, with
 * nothing but such objects nested in `act`. Claims are parsed with a limited depth.
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

/** Returns the actors of a valid `act` claim: the current one first, then earlier ones. */
export function actorsOf(act: unknown): readonly Actor[] {
  const actors: Actor[] = []
  for (let next = act; isJsonObject(next); next = ownMember(next, 'act')) {
    actors.push(
      Object.freeze({
        subject: ownMember(next, 'sub') as string | undefined,
        issuer: ownMember(next, 'iss') as string | undefined,
        clientId: ownMember(next, 'client_id') as string | undefined,
      }),
    )
  }
  return Object.freeze(actors)
}
