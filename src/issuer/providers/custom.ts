/** A profile of the user's own, on top of one that goes by a name. */

import type { SubjectKind } from '../../access-token/access-token.js'
import type { AccessTokenClaims } from '../../access-token/access-token-claims.js'
import { applicationFailure } from '../../errors/application-function.js'
import { suppressRejection } from '../../errors/result.js'
import { mediaType, notAnAccessToken } from '../../token/claims.js'
import type { Claims } from '../../token/compact-jws.js'
import { names, scopeTokens } from './claim-values.js'
import type { Profile } from './profile.js'
import type { ResolvedProfile } from './provider.js'

/** @param profile one that was checked. */
export function customProfile(profile: Profile, base: ResolvedProfile): ResolvedProfile {
  const { types, requiredClaims = [], isAccessToken, subjectKind } = profile
  const { scope, clientId, roles, groups, permissions } = profile
  return {
    ...base,
    name: profile.name,
    ...(types && { types: types.map(mediaType) }),
    allowMissingTyp: profile.allowMissingTyp ?? base.allowMissingTyp,
    requiredClaims: [...base.requiredClaims, ...requiredClaims],
    checkAccessToken(claims) {
      const refused = base.checkAccessToken?.(claims)
      if (refused !== undefined) return refused
      if (isAccessToken === undefined || vouches(isAccessToken, claims)) return undefined
      return notAnAccessToken(`true from "isAccessToken" of the profile ${profile.name}`)
    },
    ...(scope && { scope: reading('scope', scope, scopeTokens) }),
    ...(clientId && { clientId: reading('clientId', clientId, stringOrUndefined) }),
    ...(roles && { roles: reading('roles', roles, names) }),
    ...(groups && { groups: reading('groups', groups, names) }),
    ...(permissions && { permissions: reading('permissions', permissions, names) }),
    ...(subjectKind && { subjectKind: reading('subjectKind', subjectKind, kindOrUnknown) }),
  }
}

/** Returns the reader, with its result made what a token has. */
function reading<T>(
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

function kindOrUnknown(kind: unknown): SubjectKind {
  return kind === 'user' || kind === 'client' ? kind : 'unknown'
}

function stringOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** What strangers send must not become an error of ours. */
function vouches(isAccessToken: (claims: Claims) => boolean, claims: Claims): boolean {
  try {
    return suppressRejection(isAccessToken(claims)) === true
  } catch {
    return false
  }
}
