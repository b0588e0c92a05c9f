import type { IncomingMessage } from 'node:http'
import type { JWTPayload } from 'jose'
import { bearerToken } from '../../../credentials/bearer.js'
import {
  InsufficientScopeError,
  InvalidRequestError,
  InvalidTokenError,
  MissingCredentialsError,
} from '../../../errors/errors.js'
import { ResourceServerError } from '../../../errors/resource-server-error.js'
import { responseHeaders } from '../../../errors/www-authenticate.js'
import { isForm, readForm } from '../http/form.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import { OAuthError, withErrorResponses } from '../http/oauth-error.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'
import type { TokenIssuer } from '../tokens/token-issuer.js'

export interface UserInfoSources {
  issued: IssuedTokens
  tokens: TokenIssuer
}

/**
 * Returns the handler of the UserInfo endpoint (OpenID Connect Core §5.3). It requires an access
 * token of this server, for a user, with the scope `openid`. The client sends the token in the
 * `Authorization` header, or in the form of a POST request (RFC 6750 §2.1, §2.2). The endpoint
 * verifies no proofs of possession, and therefore rejects sender-constrained tokens.
 */
export function userInfoEndpoint(
  sources: UserInfoSources,
): (request: IncomingMessage) => Promise<HttpResponse> {
  return withErrorResponses(async (request) => {
    try {
      return uncached(200, userInfo(await presentedToken(request), sources))
    } catch (error) {
      throw error instanceof ResourceServerError ? withChallenge(error) : error
    }
  })
}

async function presentedToken(request: IncomingMessage): Promise<string> {
  const inHeader = bearerToken(request)
  const inForm = isForm(request) ? (await readForm(request)).get('access_token') : undefined
  if (inHeader !== undefined && inForm !== undefined) {
    throw new InvalidRequestError('The request has more than one access token')
  }
  const token = inHeader ?? inForm
  if (token === undefined) throw new MissingCredentialsError()
  return token
}

/** Finds the token as introspection does, so that it finds tokens of every format. */
function userInfo(token: string, { issued, tokens }: UserInfoSources): JWTPayload {
  const found = issued.findActive(token)
  if (found === undefined) {
    throw new InvalidTokenError('The access token is unknown, expired or revoked', INVALID)
  }
  const { claims, username, subject } = found
  if (claims.cnf !== undefined) {
    throw new InvalidTokenError('The endpoint rejects sender-constrained access tokens', INVALID)
  }
  if (!subject.scope.includes('openid')) {
    const message = 'The access token lacks the scope openid'
    throw new InsufficientScopeError(message, 'openid', { check: 'scope', expected: 'openid' })
  }
  const { user } = subject
  if (user === undefined || username === undefined) {
    throw new InvalidTokenError('The access token is not for a user of this server', INVALID)
  }
  return tokens.userInfo({ ...subject, user })
}

const INVALID = { check: 'token' } as const

/** Returns the error with the challenge that an API behind the plugin sends (RFC 6750 §3). */
function withChallenge(error: ResourceServerError): OAuthError {
  const headers = responseHeaders(error, { realm: 'userinfo', scope: 'openid' })
  return new OAuthError(error.code, error.message, {
    status: error.statusCode,
    headers: headers as Record<string, string>,
  })
}
