import type { IncomingMessage } from 'node:http'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { ASYMMETRIC_ALGORITHMS } from '../../../base/algorithms.js'
import { seeOther, withParameters } from '../authorization/authorization-response.js'
import { type Form, readForm, readQuery, requireParameter } from '../http/form.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import { OAuthError, withErrorResponses } from '../http/oauth-error.js'
import type { BrowserSessions } from '../login/browser-sessions.js'
import { loggedOutPage, logoutQuestion } from '../login/logout-pages.js'
import type { Clients } from '../registration/clients.js'
import type { SentLogoutToken, SessionControl } from '../sessions/session-control.js'
import type { Sessions } from '../sessions/sessions.js'
import type { SigningKeys } from '../tokens/signing-keys.js'
import type { TestClient } from '../tokens/test-accounts.js'

/** The state that the end session endpoint uses. */
export interface EndSessionSources {
  issuer: string
  clients: Clients
  keys: SigningKeys
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
 * Without `id_token_hint`, a browser gets a page that asks the user (§2), because every page can
 * lead the browser here.
 */
export function endSessionEndpoint(
  sources: EndSessionSources,
): (request: IncomingMessage) => Promise<HttpResponse> {
  return withErrorResponses(async (request) => {
    const form = request.method === 'POST' ? await readForm(request) : readQuery(request)
    const wantsPage = /\btext\/html\b/.test(request.headers.accept ?? '')
    if (wantsPage && !form.has('id_token_hint')) return endLogin(request, form, sources)
    const { sid, client } = await hintedSession(form, sources)
    const location = redirection(form, client)
    const sent = await endSessions([sid, ...sources.browserSessions.endWith(sid)], sources)
    if (location !== undefined) return seeOther(location)
    return wantsPage ? loggedOutPage() : uncached(200, { logout_tokens: sent.map(membersOf) })
  })
}

/** Asks the user of a browser, or ends the login if the user has confirmed that. */
async function endLogin(
  request: IncomingMessage,
  form: Form,
  sources: EndSessionSources,
): Promise<HttpResponse> {
  const { browserSessions, path } = sources
  const visitor = browserSessions.visitor(request)
  const { session } = visitor
  if (session === undefined) return loggedOutPage(visitor.headers)
  if (request.method !== 'POST' || !browserSessions.isGenuine(form, visitor, request)) {
    return logoutQuestion(session.user, visitor, path)
  }
  browserSessions.logOut(visitor)
  await endSessions(session.grants, sources)
  return loggedOutPage()
}

/** Ends those of the sessions that are active: a session that has ended is no error (§4). */
async function endSessions(
  sids: readonly string[],
  { sessions, sessionControl }: EndSessionSources,
): Promise<SentLogoutToken[]> {
  const active = sids.filter((sid) => sessions.find(sid) !== undefined)
  return (await Promise.all(active.map((sid) => sessionControl.endSession({ sid })))).flat()
}

/**
 * Returns the session and the client of the ID token.
 *
 * @throws {OAuthError} `invalid_request` if the hint is not an ID token of this server with `sid`.
 */
async function hintedSession(
  form: Form,
  { issuer, clients, keys }: EndSessionSources,
): Promise<{ sid: string; client: TestClient | undefined }> {
  const hint = requireParameter(form, 'id_token_hint')
  const clientId = form.get('client_id')
  try {
    const { payload } = await jwtVerify(hint, createLocalJWKSet(keys.keySet()), {
      algorithms: [...ASYMMETRIC_ALGORITHMS],
      issuer,
      audience: clientId ?? clients.ids,
      // Accepts an ID token that has expired.
      clockTolerance: Number.MAX_SAFE_INTEGER,
    })
    const { sid, aud } = payload
    if (typeof sid === 'string') return { sid, client: clients.find([aud].flat()[0]) }
  } catch {}
  throw new OAuthError(
    'invalid_request',
    'The id_token_hint is not an ID token of this server with the claim sid, for this client.',
  )
}

/** Returns the URI to which the browser continues; `undefined` without a registered one (§3). */
function redirection(form: Form, client: TestClient | undefined): string | undefined {
  const uri = form.get('post_logout_redirect_uri')
  if (uri === undefined || !client?.postLogoutRedirectUris?.includes(uri)) return undefined
  const state = form.get('state')
  return state === undefined ? uri : withParameters(uri, { state })
}

function membersOf({ clientId, uri, status, error }: SentLogoutToken): object {
  return { client_id: clientId, uri, status, error: error?.message }
}
