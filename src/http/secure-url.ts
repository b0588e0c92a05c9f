import { canParseUrl } from '../base/can-parse-url.js'

/** Whether `text` is an absolute https URL without credentials, or an http one that is allowed. */
export function isSecureUrl(
  text: string,
  { allowHttp, mayBeLoopback }: { allowHttp: boolean; mayBeLoopback: boolean },
): boolean {
  if (!canParseUrl(text)) return false
  const url = new URL(text)
  // Credentials in a URL end up in logs, and fetch rejects them.
  if (url.username !== '' || url.password !== '') return false
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && (allowHttp || (mayBeLoopback && isLoopback(url)))
}

/**
 * Whether a URL is on loopback: `localhost`, `*.localhost`, `127.0.0.0/8` or `[::1]`. By default
 * plain http is accepted only there.
 */
export function isLoopback(url: URL): boolean {
  const { hostname } = url
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    // The URL parser normalizes every IPv4 notation to four decimals.
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}
