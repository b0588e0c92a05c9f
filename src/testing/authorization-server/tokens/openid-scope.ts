/**
 * The scope values of OpenID Connect (Core §5.4, §11). They concern a user and the tokens, not an
 * API, so they are meaningless without a user and granted only on request.
 */
const OPENID_SCOPE = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access']

export function isOpenIdScope(value: string): boolean {
  return OPENID_SCOPE.includes(value)
}

/** Returns the values of a scope that concern an API. */
export function apiScope(scope: readonly string[]): string[] {
  return scope.filter((value) => !isOpenIdScope(value))
}
