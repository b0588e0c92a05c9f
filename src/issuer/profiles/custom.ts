/** A profile of the user's own, on top of one that goes by a name. */
import { disown } from '../../now-or-later.js'
import { mediaType, notAnAccessToken } from '../../token/claims.js'
import { type Claims, names, scopeTokens } from './claim-values.js'
import type { Profile, ResolvedProfile } from './profile.js'

/** @param profile one that was checked. */
export function customProfile(profile: Profile, base: ResolvedProfile): ResolvedProfile {
  const { types, requiredClaims = [], isAccessToken, subjectKind } = profile
  const { scope, clientId, roles, groups, permissions } = profile
  return {
    ...base,
    name: profile.name,
    ...(types && { types: types.map(mediaType) }),
    typeOptional: profile.typeOptional ?? base.typeOptional,
    requiredClaims: [...base.requiredClaims, ...requiredClaims],
    checkAccessToken(claims) {
      const refused = base.checkAccessToken?.(claims)
      if (refused !== undefined) return refused
      if (isAccessToken === undefined || vouches(isAccessToken, claims)) return undefined
      return notAnAccessToken(`true from "isAccessToken" of the profile ${profile.name}`)
    },
    ...(scope && { scope: (claims) => scopeTokens(disown(scope(claims))) }),
    ...(clientId && { clientId: (claims) => stringOrUndefined(disown(clientId(claims))) }),
    ...(roles && { roles: (claims) => names(disown(roles(claims))) }),
    ...(groups && { groups: (claims) => names(disown(groups(claims))) }),
    ...(permissions && { permissions: (claims) => names(disown(permissions(claims))) }),
    ...(subjectKind && {
      subjectKind: (claims) => {
        const kind = disown(subjectKind(claims))
        return kind === 'user' || kind === 'client' ? kind : 'unknown'
      },
    }),
  }
}

function stringOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** What strangers send must not become an error of ours. */
function vouches(isAccessToken: (claims: Claims) => boolean, claims: Claims): boolean {
  try {
    return disown(isAccessToken(claims)) === true
  } catch {
    return false
  }
}
