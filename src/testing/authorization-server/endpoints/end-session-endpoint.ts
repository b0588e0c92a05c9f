import type { IncomingMessage } from 'node:http'
import { queryOf } from '../authorization/authorization-request.js'
import { seeOther, withParameters } from '../authorization/authorization-response.js'
import { type Form, readForm, readParameters, readQuery, requireParameter } from '../http/form.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import { OAuthError, withErrorResponses } from '../http/oauth-error.js'
import type { BrowserSessions } from '../login/browser-sessions.js'
import { loggedOutPage, logoutQuestion } from '../login/logout-pages.js'
import type { Clients } from '../registration/clients.js'
import type { SentLogoutToken, SessionControl } from '../sessions/session-control.js'
import type { Sessions } from '../sessions/sessions.js'
import type { TestClient } from '../tokens/test-accounts.js'
import { type HintSources, hintedSession } from './id-token-hint.js'

/** The state that the end session endpoint uses. */
export interface EndSessionSources extends HintSources {
  clients: Clients
  sessions: Sessions
  sessionControl: SessionControl
  browserSessions: BrowserSessions
  /** The path of the endpoint. */
  path: string
}

/**
 * Returns the handler of the end session endpoint (OpenID Connect RP-Initiated Logout 1.0 §2). An ID
 * token in `id_token_hint`, which may have expired, ends its session and all sessions of the same
 * login. The endpoint redirects only to a URI that the client has registered (§3). Without a
 * redirect, browsers get a page, and programs a list of the logout tokens that were sent.
 *
 * Without a valid `id_token_hint`, a browser gets a page that asks the user (§2), because every page
 * can lead the browser here. ID tokens become invalid when the server starts again, with new keys.
 */
export function endSessionEndpoint(
  sources: EndSessionSources,
): (request: IncomingMessage) => Promise<HttpResponse> {
  return withErrorResponses(async (request) => {
    const form = request.method === 'POST' ? await readForm(request) : readQuery(request)
    const wantsPage = /\btext\/html\b/.test(request.headers.accept ?? '')
    const hinted = await hintedSession(form, sources)
    if (hinted === undefined) {
      if (wantsPage) return endLogin(request, form, sources)
      requireParameter(form, 'id_token_hint')
      throw new OAuthError(
        'invalid_request',
        'The id_token_hint is not an ID token of this server with the claim sid, for this client.',
      )
    }
    const { client, selector } = hinted
    const sent =
      selector.sid === undefined
        ? await sources.sessionControl.endSession(selector)
        : await endSessions(
            [selector.sid, ...sources.browserSessions.endWith(selector.sid)],
            sources,
          )
    if (!wantsPage && redirection(form, client) === undefined) {
      return uncached(200, { logout_tokens: sent.map(membersOf) })
    }
    return loggedOut(form, client)
  })
}

/** Asks the user of a browser, or ends the login if the user has confirmed that. */
async function endLogin(
  request: IncomingMessage,
  form: Form,
  sources: EndSessionSources,
): Promise<HttpResponse> {
  const { browserSessions, clients, path } = sources
  const asked = form.get('request')
  const parameters = asked === undefined ? form : readParameters(asked)
  const client = clients.find(parameters.get('client_id'))
  const location = redirection(parameters, client)
  const visitor = browserSessions.visitor(request)
  const { session } = visitor
  if (session === undefined) {
    const requested = requestedUri(parameters)
    return loggedOutPage({ requested, client, location, headers: visitor.headers })
  }
  if (request.method !== 'POST' || !browserSessions.isGenuine(form, visitor, request)) {
    const query = queryOf(parameters)
    return logoutQuestion({ user: session.user, visitor, query, location, action: path })
  }
  browserSessions.logOut(visitor)
  await endSessions(session.grants, sources)
  return loggedOut(parameters, client)
}

/** Ends those of the sessions that are active: a session that has ended is no error (§4). */
async function endSessions(
  sids: readonly string[],
  { sessions, sessionControl }: EndSessionSources,
): Promise<SentLogoutToken[]> {
  const active = sids.filter((sid) => sessions.find(sid) !== undefined)
  return (await Promise.all(active.map((sid) => sessionControl.endSession({ sid })))).flat()
}

function loggedOut(form: Form, client: TestClient | undefined): HttpResponse {
  const location = redirection(form, client)
  if (location !== undefined) return seeOther(location)
  return loggedOutPage({ requested: requestedUri(form), client })
}

/** Returns where the client wants to continue; auth0-spa-js names it `returnTo`. */
function requestedUri(form: Form): string | undefined {
  return form.get('post_logout_redirect_uri') ?? form.get('returnTo')
}

/** Returns the URI to which the browser continues; `undefined` without a registered one (§3). */
function redirection(form: Form, client: TestClient | undefined): string | undefined {
  const uri = requestedUri(form)
  if (uri === undefined || !client?.postLogoutRedirectUris?.includes(uri)) return undefined
  const state = form.get('state')
  return state === undefined ? uri : withParameters(uri, { state })
}

function membersOf({ clientId, uri, status, error }: SentLogoutToken): object {
  return { client_id: clientId, uri, status, error: error?.message }
}
