import type { AuthorizationRequest } from '../authorization/authorization-request.js'
import { redirectHost } from '../authorization/redirect-uris.js'
import type { HttpResponse } from '../http/http-response.js'
import type { TestUser } from '../tokens/test-accounts.js'
import type { Visitor } from './browser-sessions.js'
import { html } from './html.js'
import { pageResponse } from './page.js'

/** What the scope values of OpenID Connect mean (Core §5.4, §11). */
const MEANINGS = new Map([
  ['openid', 'know who you are'],
  ['profile', 'see your user name'],
  ['email', 'see your e-mail address'],
  ['offline_access', 'keep access while you are away'],
])

interface ConsentPage {
  request: AuthorizationRequest
  visitor: Visitor
  user: TestUser
  scope: readonly string[]
  /** Whether the client registered itself. */
  isRegistered: boolean
  /** The URL to which the form is posted. */
  action: string
  /** The URL at which another user can log in. */
  switchUrl: string
}

/** Returns the page on which a user allows or denies the access of a client. */
export function consentPage({
  request,
  visitor,
  user,
  scope,
  isRegistered,
  action,
  switchUrl,
}: ConsentPage): HttpResponse {
  const { client, redirectUri, resource, query } = request
  const name = client.name ?? client.clientId
  const values = scope.map((value) => {
    const meaning = MEANINGS.get(value)
    return html`<li><code>${value}</code>${meaning && html` <span class="quiet">${meaning}</span>`}</li>`
  })
  const content = html`<p><bdi><strong>${name}</strong></bdi> wants access as <bdi><strong>${user.username}</strong></bdi>.</p>
<p><a href="${switchUrl}">Use another user</a></p>
${isRegistered ? html`<p class="note">This client registered itself under this name. Allow access only if you started the login in it.</p>` : undefined}
<dl>
<dt>Scope</dt>
<dd><ul>
${values}
</ul></dd>
${resource && html`<dt>For the API</dt>\n<dd><code>${resource}</code></dd>`}
<dt>Then you continue at</dt>
<dd><code>${redirectHost(redirectUri)}</code></dd>
</dl>
<form method="post" action="${action}">
<input type="hidden" name="request" value="${query}">
<input type="hidden" name="form_token" value="${visitor.formToken}">
<div class="choice">
<button name="decision" value="deny">Deny</button>
<button class="primary" name="decision" value="allow">Allow</button>
</div>
</form>`
  return pageResponse({ title: 'Allow access?', content, redirectUri, headers: visitor.headers })
}
