import { canParseUrl } from '../base/can-parse-url.js'
import { reject, requireSetVariables } from '../base/check.js'

/**
 * Whether `text` is a string with an absolute URL without credentials whose scheme is accepted.
 * https is always accepted. http is accepted if `allowHttp` is set, or if `mayBeLoopback` is set
 * and the host is loopback.
 */
export function isSecureUrl(
  text: unknown,
  { allowHttp, mayBeLoopback }: { allowHttp: boolean; mayBeLoopback: boolean },
): boolean {
  if (typeof text !== 'string' || !canParseUrl(text)) return false
  const url = new URL(text)
  // Credentials in a URL would appear in logs, and fetch rejects such a URL.
  if (url.username !== '' || url.password !== '') return false
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && (allowHttp || (mayBeLoopback && isLoopback(url)))
}

/** Returns the parsed URL; `undefined` if the text is not an http or https URL. */
export function httpUrl(text: string): URL | undefined {
  if (!canParseUrl(text)) return undefined
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) ? url : undefined
}

/**
 * Whether the host of a URL is loopback: `localhost`, `*.localhost`, `127.0.0.0/8` or `[::1]`. By
 * default, http URLs are accepted only on such a host.
 */
export function isLoopback(url: URL): boolean {
  const { hostname } = url
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    // The URL parser normalizes every notation of an IPv4 address to four decimal numbers.
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}

/**
 * Returns the URL of an endpoint that an option sets; `undefined` if the option is absent.
 *
 * @param allowHttp whether the URL may be plain http on hosts other than loopback.
 * @throws {TypeError} if the URL is unusable; the message names the option.
 */
export function resolveEndpointOption(
  name: string,
  endpoint: unknown,
  allowHttp: boolean,
): string | undefined {
  if (endpoint === undefined) return undefined
  if (typeof endpoint === 'string') requireSetVariables(name, endpoint)
  const usable =
    typeof endpoint === 'string' &&
    !endpoint.includes('#') &&
    isSecureUrl(endpoint, { allowHttp, mayBeLoopback: true })
  if (usable) return endpoint
  return reject(
    name,
    'must be an https URL (http on loopback only) without credentials or fragment',
  )
}
