/**
 * The scope values of OpenID Connect (Core §5.4, §11). They request user claims and tokens, not
 * access to an API. Therefore they are granted only for a user, and only if the client requests
 * them.
 */
const OPENID_SCOPE = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access']

/** The claims that a scope value requests (Core §5.4). */
const REQUESTED_CLAIMS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'profile',
    [
      'name',
      'family_name',
      'given_name',
      'middle_name',
      'nickname',
      'preferred_username',
      'profile',
      'picture',
      'website',
      'gender',
      'birthdate',
      'zoneinfo',
      'locale',
      'updated_at',
    ],
  ],
  ['email', ['email', 'email_verified']],
  ['address', ['address']],
  ['phone', ['phone_number', 'phone_number_verified']],
])

export function isOpenIdScope(value: string): boolean {
  return OPENID_SCOPE.includes(value)
}

/** Returns the values of a scope except those of OpenID Connect. */
export function apiScope(scope: readonly string[]): string[] {
  return scope.filter((value) => !isOpenIdScope(value))
}

/** Whether the scope releases a claim of the user. A claim that no scope value requests always is. */
export function releasesClaim(scope: readonly string[], claim: string): boolean {
  const requesting = [...REQUESTED_CLAIMS].find(([, claims]) => claims.includes(claim))
  return requesting === undefined || scope.includes(requesting[0])
}
