/** The profiles that go by a name. */
import { auth0 } from './auth0.js'
import { cognito } from './cognito.js'
import { entra } from './entra.js'
import { keycloak } from './keycloak.js'
import { okta } from './okta.js'
import type { ProfileName, ResolvedProfile } from './profile.js'
import { rfc9068 } from './rfc9068.js'
import { standard } from './standard.js'

const PROFILES: Readonly<Record<ProfileName, (audience: ReadonlySet<string>) => ResolvedProfile>> =
  {
    standard: () => standard,
    rfc9068: () => rfc9068,
    okta: () => okta,
    auth0: () => auth0,
    entra: () => entra,
    cognito: () => cognito,
    keycloak,
  }

export const PROFILE_NAMES = Object.keys(PROFILES) as readonly ProfileName[]

const NOBODY: ReadonlySet<string> = new Set()

/** @param audience the names of this API, for a profile that has roles by name. */
export function profileNamed(name: ProfileName, audience = NOBODY): ResolvedProfile {
  return PROFILES[name](audience)
}
