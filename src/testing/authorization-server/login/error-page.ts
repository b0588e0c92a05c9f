import type { HttpResponse } from '../http/http-response.js'
import { type Html, html } from './html.js'
import { pageResponse } from './page.js'

interface ErrorPage {
  status?: number
  /** What is wrong. */
  message: string
  /** How to continue; absent if the user can only go back. */
  advice?: Html | undefined
  headers?: Record<string, string>
}

/** Returns a page that tells the user, or the developer of the client, what is wrong. */
export function errorPage({
  status = 400,
  message,
  advice,
  headers = {},
}: ErrorPage): HttpResponse {
  const content = html`<p class="error" role="alert">${message}</p>
${advice}`
  return pageResponse({ status, title: 'Cannot log in', content, headers })
}
