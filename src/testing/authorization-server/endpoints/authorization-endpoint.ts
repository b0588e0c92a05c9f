import { OAuthError } from '../http/oauth-error.js'
import type { Endpoint } from '../http/router.js'

/**
 * An authorization endpoint (RFC 6749 §3.1) that responds to every request with an error. It exists
 * because some clients reject metadata that lists no authorization endpoint, even if the clients do
 * not use this endpoint. It never redirects, because no client has a redirect URI (§4.1.2.1).
 */
export const authorizationEndpoint: Endpoint = {
  name: 'other',
  methods: ['GET', 'POST'],
  handle: () =>
    new OAuthError(
      'unsupported_response_type',
      'This server has no sign-in page: use the password or the client credentials grant.',
    ).toResponse(),
}
