import { scopeValues } from '../../scope-values.js'
import { OAuthError } from '../http/oauth-error.js'
import type { ServerSettings } from '../options.js'
import { apiScope, isOpenIdScope } from './openid-scope.js'
import type { TestClient, TestUser } from './test-accounts.js'

/** A request for a scope, with its client and user. */
export interface ScopeRequest {
  settings: ServerSettings
  client: TestClient
  /** Absent for the client credentials grant. */
  user?: TestUser | undefined
  /** The parameter `scope`; absent if the client did not send it. */
  requested?: string | undefined
}

/**
 * Returns the values of the requested scope that both the client and the user may be granted
 * (RFC 6749 §3.3). If the client requests no scope, returns the default scope.
 *
 * @throws {OAuthError} `invalid_scope` if the server does not offer a requested value, if no
 *   requested value may be granted, or if the client requests no scope and the profile is `okta`,
 *   because Okta has no default scope
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
  requireOfferedScope(requested, settings.scope)
  const values = [...new Set(requested.split(' ').filter(Boolean))]
  const allowed = allowedScope(settings, client, user)
  const granted = values.filter((value) => allowed.includes(value))
  if (granted.length === 0) {
    throw new OAuthError(
      'invalid_scope',
      'No value of the requested scope may be granted to this client and this user.',
    )
  }
  return granted
}

/** @throws {OAuthError} `invalid_scope` if the server does not offer a requested value. */
export function requireOfferedScope(
  requested: string | undefined,
  offered: readonly string[],
): void {
  const values = requested?.split(' ').filter(Boolean) ?? []
  if (values.every((value) => offered.includes(value))) return
  throw new OAuthError(
    'invalid_scope',
    `The server offers only the scope ${offered.join(' ')}. To offer others, set the option scope, or serve --scope.`,
  )
}

/**
 * Returns the scope that is granted if the client requests none: every value that both the client
 * and the user may be granted, except the values of OpenID Connect.
 */
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
