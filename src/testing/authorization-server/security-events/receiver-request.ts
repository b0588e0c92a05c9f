import type { IncomingMessage } from 'node:http'
import { isJsonObject } from '../../../base/json-object.js'
import { readBody } from '../http/form.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import { OAuthError, withErrorResponses } from '../http/oauth-error.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'

/** A request of a receiver that presented an access token of this server. */
export interface ReceiverRequest {
  readonly request: IncomingMessage
  readonly clientId: string
  readonly query: URLSearchParams
  /** The JSON object in the body; `{}` if the request has no body. */
  readonly body: Record<string, unknown>
}

/**
 * Returns the handler of an endpoint that requires an access token of this server as bearer token,
 * of any scope (SSF 1.0 §8.1).
 */
export function receiverEndpoint(
  issued: IssuedTokens,
  handle: (request: ReceiverRequest) => Promise<HttpResponse>,
): (request: IncomingMessage) => Promise<HttpResponse> {
  return withErrorResponses(async (request) => {
    const text = await readBody(request)
    const clientId = authorize(request.headers.authorization, issued)
    const [, query = ''] = (request.url as string).split(/\?(.*)/s)
    return handle({ request, clientId, query: new URLSearchParams(query), body: parse(text) })
  })
}

function authorize(authorization = '', issued: IssuedTokens): string {
  const [, token = ''] = /^bearer +(\S+)$/i.exec(authorization) ?? []
  const found = issued.findActive(token)
  if (found !== undefined && found.claims.cnf === undefined) return found.clientId
  throw new OAuthError('invalid_token', 'The access token is missing, invalid or bound to a key.', {
    status: 401,
    headers: { 'www-authenticate': 'Bearer realm="ssf", error="invalid_token"' },
  })
}

function parse(text: string): Record<string, unknown> {
  if (text === '') return {}
  try {
    const body: unknown = JSON.parse(text)
    if (isJsonObject(body)) return body
  } catch {}
  throw new OAuthError('invalid_request', 'The body must be a JSON object.')
}

/** Returns a response without a body. */
export function noContent(): HttpResponse {
  return uncached(204, Buffer.alloc(0))
}
