import { isJsonObject } from '../../../base/json-object.js'
import { type Form, requireParameter } from '../http/form.js'
import { OAuthError } from '../http/oauth-error.js'
import { grantScope } from '../tokens/granted-scope.js'
import type { IssuedToken } from '../tokens/issued-tokens.js'
import { apiScope } from '../tokens/openid-scope.js'
import type { DelegationClaims } from '../tokens/token-profile.js'
import type { Granted, GrantRequest } from './grant-request.js'
import { requestedResource } from './resource-indicator.js'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

/**
 * Performs a token exchange (RFC 8693): issues an access token for the subject of an access token of
 * this server. The claim `act` names the subject of the actor token, or else the client, and the
 * actors of the subject token. The scope is limited by the client and the user, not by that of the
 * subject token, because the new token is usually for another API. `resource` or `audience` becomes
 * the audience with the profile `standard`.
 */
export function exchangeToken({ form, client, settings, issued, now }: GrantRequest): Granted {
  const find = (name: 'subject_token' | 'actor_token'): IssuedToken => {
    requireAccessTokenType(form, `${name}_type`)
    const token = issued.findActive(requireParameter(form, name))
    if (token === undefined || token.claims.cnf !== undefined) {
      throw new OAuthError(
        'invalid_grant',
        `The ${name} is unknown, expired, revoked or sender-constrained.`,
      )
    }
    return token
  }
  const subjectToken = find('subject_token')
  const actor = form.has('actor_token') ? subjectOf(find('actor_token')) : client.clientId
  if (form.has('requested_token_type')) requireAccessTokenType(form, 'requested_token_type')
  const { username, session } = subjectToken
  const user = settings.users.find((candidate) => candidate.username === username)
  return {
    subject: {
      client,
      user,
      scope: apiScope(grantScope({ settings, client, user, requested: form.get('scope') })),
      resource: requestedResource(form) ?? form.get('audience'),
      delegation: delegationOf(subjectToken, actor),
      authTime: now,
      session,
    },
    issuedTokenType: ACCESS_TOKEN,
  }
}

function requireAccessTokenType(form: Form, name: string): void {
  if (requireParameter(form, name) !== ACCESS_TOKEN) {
    throw new OAuthError('invalid_request', `The ${name} must be ${ACCESS_TOKEN}.`)
  }
}

function delegationOf(token: IssuedToken, actor: string): DelegationClaims {
  const { act, sid } = token.claims
  return {
    sub: subjectOf(token),
    act: { sub: actor, ...(isJsonObject(act) && { act }) },
    ...(typeof sid === 'string' && { sid }),
  }
}

function subjectOf({ claims }: IssuedToken): string {
  if (typeof claims.sub === 'string') return claims.sub
  throw new OAuthError('invalid_grant', 'The token has no subject.')
}
