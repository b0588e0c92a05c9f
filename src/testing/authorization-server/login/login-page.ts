import type { AuthorizationRequest } from '../authorization/authorization-request.js'
import type { HttpResponse } from '../http/http-response.js'
import { type TestUser, testUser } from '../tokens/test-accounts.js'
import type { Visitor } from './browser-sessions.js'
import { type Html, html } from './html.js'
import { pageResponse } from './page.js'

/** Characters of a claim that the page shows. */
const MAX_CLAIM_LENGTH = 60

interface LoginPage {
  request: AuthorizationRequest
  visitor: Visitor
  users: readonly TestUser[]
  /** The URL to which the form is posted. */
  action: string
  /** Why the previous attempt failed, and the user name of it. */
  failure?: { message: string; username: string } | undefined
}

/**
 * Returns the page on which a user logs in, with one button for each user whose password is public
 * knowledge, and a form for all others.
 */
export function loginPage({ request, visitor, users, action, failure }: LoginPage): HttpResponse {
  const listed = users.filter(hasPublicPassword)
  const hidden = html`<input type="hidden" name="request" value="${request.query}">
<input type="hidden" name="form_token" value="${visitor.formToken}">`
  const content = html`<p class="quiet">to continue to <bdi>${request.client.name ?? request.client.clientId}</bdi></p>
${failure && html`<p class="error" role="alert">${failure.message}</p>`}
${listed.length > 0 ? userList(listed, hidden, action) : undefined}
<form method="post" action="${action}">
${hidden}
<label for="username">User name</label>
<input id="username" name="username" value="${failure?.username ?? request.loginHint}" autocomplete="username" autocapitalize="none" spellcheck="false" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button class="primary">Log in</button>
</form>`
  return pageResponse({
    status: failure === undefined ? 200 : 400,
    title: 'Log in',
    content,
    redirectUri: request.redirectUri,
    headers: visitor.headers,
  })
}

/**
 * Whether the password is that of the default user, which everyone knows. The button of such a user
 * gives nothing away; a button of another user would make the password useless.
 */
export function hasPublicPassword({ password }: TestUser): boolean {
  return password === testUser.password
}

function userList(users: readonly TestUser[], hidden: Html, action: string): Html {
  const items = users.map(
    (user) =>
      html`<li><button name="user" value="${user.username}"><b><bdi>${user.username}</bdi></b>${describe(user)}</button></li>`,
  )
  return html`<form method="post" action="${action}">
${hidden}
<ul class="users">
${items}
</ul>
</form>
<h2>Another user</h2>`
}

/** Returns the claims that distinguish the user, such as groups. */
function describe({ claims = {} }: TestUser): Html | undefined {
  const described = Object.entries(claims).map(([name, value]) => `${name}: ${shown(value)}`)
  return described.length === 0
    ? undefined
    : html`<span class="quiet">${described.join(' · ')}</span>`
}

function shown(value: unknown): string {
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string')
  const text = isList
    ? value.join(', ')
    : typeof value === 'string'
      ? value
      : `${JSON.stringify(value)}`
  return text.length > MAX_CLAIM_LENGTH ? `${text.slice(0, MAX_CLAIM_LENGTH)}…` : text
}
