import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { parseJsonObject } from '../../../base/json-object.js'
import { isLoopbackOrigin } from '../http/cross-origin.js'
import { readBody } from '../http/form.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import { OAuthError, withErrorResponses } from '../http/oauth-error.js'
import type { ServerSettings } from '../options.js'
import { opaqueToken } from '../tokens/opaque-token.js'
import { clientMetadata } from './client-metadata.js'
import type { Clients } from './clients.js'

/**
 * Returns the handler of the registration endpoint (RFC 7591 §3). Everyone who reaches the server
 * may register a client, except for pages of other machines: their requests have a foreign `Origin`,
 * or another media type than JSON, which browsers do not send without a preflight request.
 */
export function registrationEndpoint(
  clients: Clients,
  { now, scope }: Pick<ServerSettings, 'now' | 'scope'>,
): (request: IncomingMessage) => Promise<HttpResponse> {
  return withErrorResponses(async (request) => {
    const document = await readDocument(request)
    const metadata = clientMetadata(document)
    const { redirectUris, postLogoutRedirectUris, grantTypes, authMethod, name } = metadata
    const clientId = randomUUID()
    const clientSecret = authMethod === 'none' ? undefined : opaqueToken()
    clients.register({
      clientId,
      clientSecret,
      redirectUris,
      postLogoutRedirectUris,
      grantTypes,
      name,
    })
    return uncached(201, {
      client_id: clientId,
      client_id_issued_at: Math.floor(now() / 1000),
      ...(clientSecret !== undefined && {
        client_secret: clientSecret,
        client_secret_expires_at: 0,
      }),
      client_name: name,
      redirect_uris: redirectUris,
      ...(postLogoutRedirectUris.length > 0 && {
        post_logout_redirect_uris: postLogoutRedirectUris,
      }),
      grant_types: grantTypes,
      response_types: ['code'],
      token_endpoint_auth_method: authMethod,
      scope: scope.join(' '),
    })
  })
}

async function readDocument(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const { origin, 'content-type': type = '' } = request.headers
  if (origin !== undefined && !isLoopbackOrigin(origin)) {
    const description = 'Pages of other machines may not register clients.'
    throw new OAuthError('access_denied', description, { status: 403 })
  }
  const document = parseJsonObject(await readBody(request))
  if (/^application\/json *(?:;|$)/i.test(type) && document !== undefined) return document
  throw new OAuthError(
    'invalid_client_metadata',
    'The body must be a JSON object with the content type application/json.',
  )
}
