/**
 * The scope values of OpenID Connect (Core §5.4, §11). They request user claims and tokens, not
 * access to an API. Therefore they are granted only for a user, and only if the client requests
 * them.
 */
const OPENID_SCOPE = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access']

export function isOpenIdScope(value: string): boolean {
  return OPENID_SCOPE.includes(value)
}

/** Returns the values of a scope except those of OpenID Connect. */
export function apiScope(scope: readonly string[]): string[] {
  return scope.filter((value) => !isOpenIdScope(value))
}
