import { scopeValues } from '../../scope-values.js'
import { OAuthError } from '../http/oauth-error.js'
import type { ServerSettings } from '../options.js'
import { apiScope, isOpenIdScope } from './openid-scope.js'
import type { TestClient, TestUser } from './test-accounts.js'

/** The client and user that request a scope. */
export interface ScopeRequest {
  settings: ServerSettings
  client: TestClient
  /** Absent for client credentials. */
  user?: TestUser | undefined
  /** The `scope` parameter, absent if the client sent none. */
  requested?: string | undefined
}

/**
 * Returns the part of the requested scope that the client and the user may have. If no scope is
 * requested: everything they may have except OpenID Connect's values; with the okta profile an
 * error, because Okta has no default scope either.
 *
 * @throws {OAuthError} `invalid_scope` if a value is not offered, or no value is allowed
 * @see RFC 6749 §3.3
 */
export function grantScope({ settings, client, user, requested }: ScopeRequest): string[] {
  if (requested === undefined) {
    if (settings.profile === 'okta') {
      throw new OAuthError(
        'invalid_scope',
        'This server has no default scope: send the scope parameter.',
      )
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
    throw new OAuthError(
      'invalid_scope',
      'The client and the user may have no value of the requested scope.',
    )
  }
  return granted
}

/** Returns the scope granted if none is requested: everything except OpenID Connect's values. */
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
