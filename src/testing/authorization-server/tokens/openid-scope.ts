/**
 * The scope of OpenID Connect (Core §5.4, §11): about a user and the tokens, not about an API, so
 * meaningless without a user and granted only when asked for.
 */
const openIdScope = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access']

export function isOpenIdScope(value: string): boolean {
  return openIdScope.includes(value)
}

/** The part of a scope that is about an API. */
export function apiScope(scope: readonly string[]): string[] {
  return scope.filter((value) => !isOpenIdScope(value))
}
