/** Builds a custom profile, which extends a built-in one. */

import type { SubjectKind } from '../../access-token/access-token.js'
import type { AccessTokenClaims } from '../../access-token/access-token-claims.js'
import { applicationFailure } from '../../errors/application-function.js'
import { suppressRejection } from '../../errors/result.js'
import { mediaType, notAnAccessToken } from '../../token/claims.js'
import type { Claims } from '../../token/compact-jws.js'
import { names, scopeTokens } from './claim-values.js'
import type { Profile } from './profile.js'
import type { ResolvedProfile } from './provider.js'

/**
 * Returns the base profile with the changes that the custom profile defines.
 *
 * @param profile the option, already validated.
 */
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
      const rejection = base.checkAccessToken?.(claims)
      if (rejection !== undefined) return rejection
      if (isAccessToken === undefined || accepts(isAccessToken, claims)) return undefined
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

/**
 * Wraps a function of the application that reads claims, and converts its result with `convert`.
 */
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

/**
 * Whether the function returns `true`. Returns false if the function throws, because the claims of
 * an untrusted caller must not cause a 500.
 */
function accepts(isAccessToken: (claims: Claims) => boolean, claims: Claims): boolean {
  try {
    return suppressRejection(isAccessToken(claims)) === true
  } catch {
    return false
  }
}
