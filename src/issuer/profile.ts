/**
 * What differs between authorization servers in how they write an access token: where scope and
 * client live, and which claims and types are to be expected. Everything else is the same for all.
 */
export interface Profile {
  readonly name: ProfileName
  /** Claims that must be there, beside `iss`, `aud` and `exp`, which always must. */
  readonly requiredClaims: readonly string[]
  /** The media types that `typ` may name, in lower case, without `application/`. */
  readonly types: readonly string[]
  /** Whether a token without `typ` passes. */
  readonly typeOptional: boolean
  scope(claims: Claims): readonly string[]
  clientId(claims: Claims): string | undefined
}

export type ProfileName = 'standard' | 'rfc9068' | 'okta'

type Claims = Readonly<Record<string, unknown>>

/** RFC 7519 as most issuers use it, and RFC 9068 where they do. */
const standard: Profile = {
  name: 'standard',
  requiredClaims: [],
  types: ['at+jwt', 'jwt'],
  typeOptional: true,
  scope: (claims) => scopeTokens(claims.scope ?? claims.scp),
  clientId: (claims) => firstString(claims.client_id, claims.azp),
}

/** RFC 9068 §2.2 and §4 to the letter. */
const rfc9068: Profile = {
  name: 'rfc9068',
  requiredClaims: ['sub', 'client_id', 'iat', 'jti'],
  types: ['at+jwt'],
  typeOptional: false,
  scope: (claims) => (typeof claims.scope === 'string' ? scopeTokens(claims.scope) : []),
  clientId: (claims) => firstString(claims.client_id),
}

/**
 * Okta's custom authorization servers. `cid` is in every access token of theirs and in no ID token,
 * which is how the two are told apart: Okta gives neither a `typ`.
 */
const okta: Profile = {
  name: 'okta',
  requiredClaims: ['cid'],
  types: ['at+jwt', 'jwt'],
  typeOptional: true,
  scope: (claims) => scopeTokens(claims.scp),
  clientId: (claims) => firstString(claims.cid),
}

const PROFILES: Readonly<Record<ProfileName, Profile>> = { standard, rfc9068, okta }

export const PROFILE_NAMES = Object.keys(PROFILES) as readonly ProfileName[]

export function profileNamed(name: ProfileName): Profile {
  return PROFILES[name]
}

/** A string is space-delimited (RFC 6749 §3.3); the members of an array are never split. */
function scopeTokens(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((token) => token !== '')
  return Array.isArray(value) ? value.filter((member) => typeof member === 'string') : []
}

function firstString(...values: readonly unknown[]): string | undefined {
  return values.find((value) => typeof value === 'string') as string | undefined
}
