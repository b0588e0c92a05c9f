/** Builds a custom profile, which extends a built-in one. */

import type { AccessTokenClaims } from '../../access-token/access-token-claims.js'
import type { Actor } from '../../access-token/actor.js'
import type { SubjectKind } from '../../access-token/claim-reader.js'
import { elementsOf } from '../../base/check.js'
import { requireKnownKeys } from '../../base/plain-object.js'
import { applicationFailure } from '../../errors/application-function.js'
import { suppressRejection } from '../../errors/result.js'
import { mediaType, notAnAccessToken } from '../../token/token-type.js'
import { memberNames, names, scopeTokens } from './claim-values.js'
import type { Profile } from './profile.js'
import type { ResolvedProfile } from './provider.js'

/**
 * Returns the base profile with the changes that the custom profile defines.
 *
 * @param profile the option, already validated.
 */
export function customProfile(profile: Profile, base: ResolvedProfile): ResolvedProfile {
  const { types, requiredClaims = [], isAccessToken, subjectKind, actor } = profile
  const { scope, clientId, roles, groups, permissions, sessionId, idTokenSubject } = profile
  return {
    ...base,
    name: profile.name,
    ...(types && { types: types.map(mediaType) }),
    allowMissingTyp: profile.allowMissingTyp ?? base.allowMissingTyp,
    requiredClaims: [...base.requiredClaims, ...requiredClaims],
    checkAccessToken(claims, header) {
      const rejection = base.checkAccessToken?.(claims, header)
      if (rejection !== undefined) return rejection
      if (isAccessToken === undefined || returnsTrue(() => isAccessToken(claims, header))) {
        return undefined
      }
      return notAnAccessToken(`true from "isAccessToken" of the profile ${profile.name}`)
    },
    // Omits the advice of the base profile, which concerns the claim that `scope` no longer reads.
    ...(scope && { scope: wrapReader('scope', scope, scopeIn), scopeHint: undefined }),
    ...(clientId && { clientId: wrapReader('clientId', clientId, stringOrUndefined) }),
    ...(roles && { roles: wrapReader('roles', roles, namesIn) }),
    ...(groups && { groups: wrapReader('groups', groups, namesIn) }),
    ...(permissions && { permissions: wrapReader('permissions', permissions, namesIn) }),
    ...(subjectKind && { subjectKind: wrapReader('subjectKind', subjectKind, kindOrUnknown) }),
    ...(sessionId && {
      sessionId: wrapReader('sessionId', sessionId, requireStringOrUndefined),
      sessionClaim: undefined,
    }),
    ...(idTokenSubject && {
      idTokenSubject: wrapReader('idTokenSubject', idTokenSubject, requireStringOrUndefined),
    }),
    ...(actor && { actors: actorsFrom(wrapReader('actor', actor, requireActors), base.actors) }),
  }
}

/**
 * Wraps a function of the application that reads claims, and converts its result with `convert`.
 */
function wrapReader<T>(
  name: keyof Profile,
  read: (claims: AccessTokenClaims) => unknown,
  convert: (value: unknown) => T,
): (claims: AccessTokenClaims) => T {
  return (claims) => {
    try {
      return convert(suppressRejection(read(claims)))
    } catch (thrown) {
      throw applicationFailure(`profile.${name}`, thrown)
    }
  }
}

function scopeIn(value: unknown): readonly string[] {
  return [...scopeTokens(value), ...memberNames(value)]
}

function namesIn(value: unknown): readonly string[] {
  return [...names(value), ...memberNames(value)]
}

function kindOrUnknown(kind: unknown): SubjectKind {
  return kind === 'user' || kind === 'client' || kind === 'anonymous' ? kind : 'unknown'
}

function stringOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/**
 * Throws for a value of another type instead of ignoring it, because a revocation would otherwise
 * not cover the token.
 */
function requireStringOrUndefined(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw new TypeError('the function must return a string or undefined')
}

type ReadActors = ResolvedProfile['actors']

/** Returns the actors of the custom profile or, if it names none, those of the base profile. */
function actorsFrom(read: ReadActors, fallback: ReadActors): ReadActors {
  return (claims) => {
    const actors = read(claims)
    return actors.length > 0 ? actors : fallback(claims)
  }
}

/**
 * Throws for a malformed actor instead of ignoring it, because a route may reject tokens that are
 * used by an actor.
 */
function requireActors(value: unknown): readonly Actor[] {
  if (value === undefined) return []
  const actors: readonly unknown[] = elementsOf(value) ?? [value]
  return actors.map(requireActor)
}

function requireActor(value: unknown): Actor {
  const given = requireKnownKeys('an actor', value as Partial<Actor>, [
    'subject',
    'issuer',
    'clientId',
  ])
  const { subject, issuer, clientId } = given
  const isIdentified = subject !== undefined || clientId !== undefined
  if (
    isIdentified &&
    [subject, issuer, clientId].every((member) => ['undefined', 'string'].includes(typeof member))
  ) {
    return Object.freeze({ subject, issuer, clientId })
  }
  throw new TypeError('an actor must have "subject" or "clientId", and only strings as members')
}

/**
 * Whether the function returns `true`. Returns false if the function throws, because the claims of
 * an untrusted caller must not cause a 500.
 */
function returnsTrue(isAccessToken: () => unknown): boolean {
  try {
    return suppressRejection(isAccessToken()) === true
  } catch {
    return false
  }
}
