import type { IncomingMessage } from 'node:http'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { ASYMMETRIC_ALGORITHMS } from '../../../base/algorithms.js'
import { type Form, readForm, readParameters, requireParameter } from '../http/form.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import { OAuthError, withErrorResponses } from '../http/oauth-error.js'
import type { ServerSettings } from '../options.js'
import type { SentLogoutToken, SessionControl } from '../sessions/session-control.js'
import type { Sessions } from '../sessions/sessions.js'
import type { SigningKeys } from '../tokens/signing-keys.js'

/** The state that the end session endpoint uses. */
export interface EndSessionSources {
  issuer: string
  settings: ServerSettings
  keys: SigningKeys
  sessions: Sessions
  sessionControl: SessionControl
}

/**
 * Returns the handler of the end session endpoint (OpenID Connect RP-Initiated Logout 1.0 §2). The
 * ID token in `id_token_hint` is required, because the server has no cookies and no page on which
 * the user could confirm the logout; it may have expired. The endpoint never redirects, because no
 * client has registered a URI for that. Its response lists the logout tokens that were sent.
 */
export function endSessionEndpoint(
  sources: EndSessionSources,
): (request: IncomingMessage) => Promise<HttpResponse> {
  return withErrorResponses(async (request) => {
    const form = request.method === 'POST' ? await readForm(request) : queryOf(request)
    const sid = await sessionOf(form, sources)
    // A session that has ended is no error (§4).
    const isActive = sources.sessions.find(sid) !== undefined
    const sent = isActive ? await sources.sessionControl.endSession({ sid }) : []
    return uncached(200, { logout_tokens: sent.map(membersOf) })
  })
}

function queryOf(request: IncomingMessage): Form {
  const [, query = ''] = (request.url as string).split(/\?(.*)/s)
  return readParameters(query)
}

/**
 * Returns the session of the ID token.
 *
 * @throws {OAuthError} `invalid_request` if the hint is not an ID token of this server with `sid`.
 */
async function sessionOf(
  form: Form,
  { issuer, settings, keys }: EndSessionSources,
): Promise<string> {
  const hint = requireParameter(form, 'id_token_hint')
  const clientIds = settings.clients.map(({ clientId }) => clientId)
  const clientId = form.get('client_id')
  try {
    const { payload } = await jwtVerify(hint, createLocalJWKSet(keys.keySet()), {
      algorithms: [...ASYMMETRIC_ALGORITHMS],
      issuer,
      audience: clientId ?? clientIds,
      // Accepts an ID token that has expired.
      clockTolerance: Number.MAX_SAFE_INTEGER,
    })
    if (typeof payload.sid === 'string') return payload.sid
  } catch {}
  throw new OAuthError(
    'invalid_request',
    'The id_token_hint is not an ID token of this server with the claim sid, for this client.',
  )
}

function membersOf({ clientId, uri, status, error }: SentLogoutToken): object {
  return { client_id: clientId, uri, status, error: error?.message }
}
