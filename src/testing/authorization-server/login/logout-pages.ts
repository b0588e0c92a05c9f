import type { HttpResponse } from '../http/http-response.js'
import type { TestUser } from '../tokens/test-accounts.js'
import type { Visitor } from './browser-sessions.js'
import { html } from './html.js'
import { pageResponse } from './page.js'

/** Returns the page that asks a user whether to log out. */
export function logoutQuestion(user: TestUser, visitor: Visitor, action: string): HttpResponse {
  const content = html`<p>You are logged in as <bdi><strong>${user.username}</strong></bdi>. Clients that you have allowed lose their access.</p>
<form method="post" action="${action}">
<input type="hidden" name="form_token" value="${visitor.formToken}">
<button class="primary">Log out</button>
</form>`
  return pageResponse({ title: 'Log out?', content, headers: visitor.headers })
}

/** Returns the page that confirms that no user is logged in. */
export function loggedOutPage(headers: Record<string, string> = {}): HttpResponse {
  const content = html`<p>You are not logged in. You can close this page.</p>`
  return pageResponse({ title: 'Logged out', content, headers })
}
