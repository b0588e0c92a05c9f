/**
 * Adds a Content-Security-Policy to each page. `connect-src 'none'` forbids scripts to send
 * anything, so that a token in the decoder cannot leave the page. It is on every page, because the
 * site changes pages without loading a new document, to which the policy belongs.
 */
import { createHash } from 'node:crypto'

export function withPolicy(html) {
  // Matches the inline scripts of VitePress: no `src`.
  const scripts = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)]
  const hashes = scripts.map(
    ([, code]) => `'sha256-${createHash('sha256').update(code).digest('base64')}'`,
  )
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${[...new Set(hashes)].join(' ')}`,
    // Shiki and Vue set style attributes.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}">`
  return html.replace('<meta charset="utf-8">', (charset) => `${charset}\n    ${meta}`)
}
