import { scopeValues } from '../../scope-values.js'
import { OAuthError } from '../http/oauth-error.js'
import type { ServerSettings } from '../options.js'
import { apiScope, isOpenIdScope } from './openid-scope.js'
import type { TestClient, TestUser } from './test-accounts.js'

/** Whom and what a scope is granted for. */
export interface ScopeRequest {
  settings: ServerSettings
  client: TestClient
  /** Absent for client credentials. */
  user?: TestUser | undefined
  /** The `scope` parameter, absent where the client sent none. */
  requested?: string | undefined
}

/**
 * The part of the requested scope that client and user may have. Without a request: all that
 * they may have except OpenID Connect's, and with the okta profile an error as at Okta, which
 * has no default scope either.
 *
 * @throws {OAuthError} `invalid_scope`: a value is not offered, or nothing is left
 * @see RFC 6749 §3.3
 */
export function grantScope({ settings, client, user, requested }: ScopeRequest): string[] {
  if (requested === undefined) {
    if (settings.profile === 'okta') {
      throw new OAuthError('invalid_scope', 'There is no default scope: scope must be given.')
    }
    return defaultScope(settings, client, user)
  }
  const values = [...new Set(requested.split(' ').filter(Boolean))]
  if (!values.every((value) => settings.scope.includes(value))) {
    throw new OAuthError('invalid_scope', 'The scope has a value that this server does not offer.')
  }
  const allowed = allowedScope(settings, client, user)
  const granted = values.filter((value) => allowed.includes(value))
  if (granted.length === 0) {
    throw new OAuthError('invalid_scope', 'Nothing of the scope is allowed for client and user.')
  }
  return granted
}

/** What is granted where nothing was asked for: everything but OpenID Connect's scope. */
export function defaultScope(
  settings: ServerSettings,
  client: TestClient,
  user: TestUser | undefined,
): string[] {
  return apiScope(allowedScope(settings, client, user))
}

function allowedScope(settings: ServerSettings, client: TestClient, user: TestUser | undefined) {
  const forClient = scopeValues('scope', client.scope ?? settings.scope)
  const forUser = scopeValues('scope', user?.scope ?? settings.scope)
  return settings.scope.filter(
    (value) =>
      forClient.includes(value) &&
      forUser.includes(value) &&
      (user !== undefined || !isOpenIdScope(value)),
  )
}
