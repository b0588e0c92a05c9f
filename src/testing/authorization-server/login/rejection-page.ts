import { matchesRedirectUri } from '../authorization/redirect-uris.js'
import type { Form } from '../http/form.js'
import type { HttpResponse } from '../http/http-response.js'
import type { OAuthError } from '../http/oauth-error.js'
import type { Clients } from '../registration/clients.js'
import { errorPage } from './error-page.js'
import { type Html, html } from './html.js'

/** Characters of a parameter that the page shows. */
const MAX_SHOWN = 500

/**
 * Returns the page for a request whose client or redirect URI is unknown. The page has no link to
 * the redirect URI.
 */
export function rejectionPage(
  { status, message }: OAuthError,
  parameters: Form | undefined,
  clients: Clients,
): HttpResponse {
  const id = parameters?.get('client_id')
  const uri = parameters?.get('redirect_uri')
  const client = clients.find(id)
  const registered = client?.redirectUris ?? []
  let advice: Html | undefined
  if (client === undefined) {
    advice = id === undefined ? undefined : unknownClientAdvice(id)
  } else if (uri !== undefined && !registered.some((each) => matchesRedirectUri(each, uri))) {
    advice = redirectUriAdvice(uri, registered, REDIRECT)
  }
  return errorPage({ status, message, advice })
}

function unknownClientAdvice(id: string): Html {
  return html`<p>The request names the client <code>${id.slice(0, MAX_SHOWN)}</code>.</p>
<p>The server forgets clients that registered themselves when it stops: let the client forget its login, and log in again. To add a client of your own, start serve with --redirect-uri, or use the option clients.</p>`
}

const REDIRECT = { flag: '--redirect-uri', option: 'redirectUris' }

/**
 * Shows the requested and the registered URIs, and how to register another one.
 *
 * @param names the flag of `serve`, and the option of a client, that register URIs.
 */
export function redirectUriAdvice(
  uri: string,
  registered: readonly string[],
  { flag, option }: { flag: string; option: string },
): Html {
  const items = registered.map((each) => html`<li><code>${each}</code></li>`)
  return html`<dl>
<dt>In the request</dt>
<dd><code>${uri.slice(0, MAX_SHOWN)}</code></dd>
<dt>Registered</dt>
<dd>${items.length === 0 ? 'none' : html`<ul>\n${items}\n</ul>`}</dd>
</dl>
<p>They must be equal. To register another one, use serve ${flag}, the option ${option}, or the registration endpoint.</p>`
}
