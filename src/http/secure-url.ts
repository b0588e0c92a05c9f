import { canParseUrl } from '../base/can-parse-url.js'

/** Whether `text` is an absolute https URL without credentials, or http where that was allowed. */
export function isSecureUrl(
  text: string,
  { allowHttp, mayBeLoopback }: { allowHttp: boolean; mayBeLoopback: boolean },
): boolean {
  if (!canParseUrl(text)) return false
  const url = new URL(text)
  // Credentials in a URL end up in logs, and fetch takes none.
  if (url.username !== '' || url.password !== '') return false
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && (allowHttp || (mayBeLoopback && isLoopback(url)))
}

/**
 * Whether a URL names this very machine: `localhost`, `*.localhost`, `127.0.0.0/8` or `[::1]`.
 * Plain http is accepted for these hosts only; everything else must be https.
 */
export function isLoopback(url: URL): boolean {
  const { hostname } = url
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    // The URL parser has already turned every spelling of an IPv4 address into four decimals.
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}
