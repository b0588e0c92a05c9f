/** What all pages have in common: the layout, and the headers that protect them. */
import { createHash } from 'node:crypto'
import { type HttpResponse, uncached } from '../http/http-response.js'
import { Html, html } from './html.js'
import { STYLES } from './styles.js'

const STYLE_SHEET = new Html(STYLES)
const STYLE_HASH = createHash('sha256').update(STYLES).digest('base64')

/** A page without scripts. */
export interface Page {
  status?: number
  title: string
  content: Html
  /** The redirect URI to which the form of the page may lead; absent if it leads to none. */
  redirectUri?: string
  /** Further headers, such as a cookie. */
  headers?: Record<string, string>
}

/** Returns the response with a page that no other page can frame, and that loads nothing. */
export function pageResponse({
  status = 200,
  title,
  content,
  redirectUri,
  headers,
}: Page): HttpResponse {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE_SHEET}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
<footer>Development server: its users and passwords are for tests.</footer>
</body>
</html>
`
  return uncached(status, Buffer.from(document.text), {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [
      "default-src 'none'",
      `style-src 'sha256-${STYLE_HASH}'`,
      `form-action 'self'${redirectUri === undefined ? '' : ` ${formTarget(redirectUri)}`}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    // With `no-referrer`, the Origin of the forms would be `null`.
    'referrer-policy': 'same-origin',
    ...headers,
  })
}

/**
 * Returns the source expression of a redirect URI: browsers apply `form-action` also to redirects
 * after a form. CSP cannot express IPv6 addresses.
 */
function formTarget(uri: string): string {
  const { protocol, hostname, origin } = new URL(uri)
  return /^https?:$/.test(protocol) && !hostname.startsWith('[') ? origin : protocol
}
