import { randomUUID } from 'node:crypto'
import { exchangeCode } from '../authorization/code-grant.js'
import { requireParameter } from '../http/form.js'
import { OAuthError } from '../http/oauth-error.js'
import { grantScope } from '../tokens/granted-scope.js'
import type { GrantType } from '../tokens/test-accounts.js'
import type { UserSubject } from '../tokens/token-profile.js'
import { boundTo, mayUse } from './grant-policy.js'
import type { Granted, GrantRequest } from './grant-request.js'
import { requestedResource } from './resource-indicator.js'
import { exchangeToken } from './token-exchange.js'
import { authenticateUser } from './user-authentication.js'

type Grant = (request: GrantRequest) => Granted

const grants: Readonly<Record<GrantType, Grant>> = {
  password,
  client_credentials,
  refresh_token,
  authorization_code: exchangeCode,
  'urn:ietf:params:oauth:grant-type:token-exchange': exchangeToken,
}

/**
 * Performs the grant that the parameter `grant_type` requests.
 *
 * @throws {OAuthError} with an error code of RFC 6749 §5.2, or `invalid_target` (RFC 8707 §2)
 */
export function performGrant(request: GrantRequest): Granted {
  const type = requireParameter(request.form, 'grant_type')
  if (!isGrantType(type)) {
    throw new OAuthError('unsupported_grant_type', 'This server does not offer the grant type.')
  }
  if (!mayUse(request.client, type)) {
    throw new OAuthError('unauthorized_client', 'The client may not use this grant type.')
  }
  return grants[type](request)
}

function isGrantType(type: string): type is GrantType {
  return Object.hasOwn(grants, type)
}

/** Performs the resource owner password credentials grant (RFC 6749 §4.3). */
function password(request: GrantRequest): Granted {
  const { form, client, settings, sessions, refreshTokens, now, jkt } = request
  const username = requireParameter(form, 'username')
  const user = authenticateUser(settings.users, username, requireParameter(form, 'password'))
  if (user === undefined) {
    throw new OAuthError('invalid_grant', 'The credentials provided were invalid.')
  }
  if (sessions.isDisabled(user)) throw new OAuthError('invalid_grant', 'The user is disabled.')
  const scope = grantScope({ settings, client, user, requested: form.get('scope') })
  const subject: UserSubject = {
    client,
    user,
    scope,
    resource: requestedResource(form),
    authTime: now,
    session: randomUUID(),
  }
  const refreshable = scope.includes('offline_access') && mayUse(client, 'refresh_token')
  return {
    subject,
    refreshToken: refreshable ? refreshTokens.issue(subject, boundTo(client, jkt)) : undefined,
  }
}

/** Performs the client credentials grant (RFC 6749 §4.4). */
function client_credentials({ form, client, settings, now }: GrantRequest): Granted {
  const scope = grantScope({ settings, client, requested: form.get('scope') })
  const resource = requestedResource(form)
  return { subject: { client, scope, resource, authTime: now, session: randomUUID() } }
}

/**
 * Performs the refresh token grant (RFC 6749 §6). The client may request a narrower scope, which
 * applies only to the new access token, not to the next refresh token.
 */
function refresh_token({ form, client, refreshTokens, jkt }: GrantRequest): Granted {
  const token = requireParameter(form, 'refresh_token')
  const grant = refreshTokens.find(token, client.clientId, jkt)
  if (grant === undefined) {
    throw new OAuthError(
      'invalid_grant',
      'The refresh token is invalid, was already used, was revoked or is bound to another key.',
    )
  }
  const scope = form.get('scope')?.split(' ').filter(Boolean) ?? grant.scope
  if (!scope.every((value) => grant.scope.includes(value))) {
    throw new OAuthError('invalid_scope', 'The requested scope exceeds the granted scope.')
  }
  // The client may request only the resource that was granted (RFC 8707 §2.2).
  if ((requestedResource(form) ?? grant.resource) !== grant.resource) {
    throw new OAuthError('invalid_target', 'The requested resource differs from the granted one.')
  }
  return {
    subject: { ...grant, scope },
    refreshToken: refreshTokens.rotate(token, boundTo(client, jkt)),
  }
}
