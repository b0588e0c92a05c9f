import { redirectHost } from '../authorization/redirect-uris.js'
import type { HttpResponse } from '../http/http-response.js'
import type { TestClient, TestUser } from '../tokens/test-accounts.js'
import type { Visitor } from './browser-sessions.js'
import { type Html, html } from './html.js'
import { pageResponse } from './page.js'
import { redirectUriAdvice } from './rejection-page.js'

interface LogoutQuestion {
  user: TestUser
  visitor: Visitor
  /** The parameters of the request, which the form contains. */
  query: string
  /** The URI to which the browser continues; `undefined` if it gets a page. */
  location: string | undefined
  /** The URL to which the form is posted. */
  action: string
}

/** Returns the page that asks a user whether to log out. */
export function logoutQuestion({
  user,
  visitor,
  query,
  location,
  action,
}: LogoutQuestion): HttpResponse {
  const next =
    location === undefined
      ? undefined
      : html` Then you continue at <code>${redirectHost(location)}</code>.`
  const content = html`<p>You are logged in as <bdi><strong>${user.username}</strong></bdi>. Clients that you have allowed lose their access.${next}</p>
<form method="post" action="${action}">
<input type="hidden" name="request" value="${query}">
<input type="hidden" name="form_token" value="${visitor.formToken}">
<button class="primary">Log out</button>
</form>`
  const target = location === undefined ? {} : { redirectUri: location }
  return pageResponse({ title: 'Log out?', content, headers: visitor.headers, ...target })
}

interface LoggedOutPage {
  /** The parameter `post_logout_redirect_uri`. */
  requested: string | undefined
  client: TestClient | undefined
  /** The URI for a link; `undefined` if the client has not registered what it requested. */
  location?: string | undefined
  headers?: Record<string, string>
}

/** Returns the page that confirms that no user is logged in. */
export function loggedOutPage({
  requested,
  client,
  location,
  headers = {},
}: LoggedOutPage): HttpResponse {
  const content = html`<p>You are not logged in. You can close this page.</p>
${requested === undefined ? undefined : nextStep(requested, client, location)}`
  return pageResponse({ title: 'Logged out', content, headers })
}

/** Returns a link to the client, or says why there is none. */
function nextStep(
  requested: string,
  client: TestClient | undefined,
  location: string | undefined,
): Html {
  if (location !== undefined) {
    return html`<p><a href="${location}">Continue to ${redirectHost(location)}</a></p>`
  }
  if (client === undefined) {
    return html`<p>The browser does not continue to the client, because the request has no valid client_id and no valid id_token_hint.</p>`
  }
  return html`<p>The browser does not continue to the client, because the post_logout_redirect_uri is not registered.</p>
${redirectUriAdvice(requested, client.postLogoutRedirectUris ?? [], POST_LOGOUT)}`
}

const POST_LOGOUT = { flag: '--post-logout-redirect-uri', option: 'postLogoutRedirectUris' }
