/** Which redirect URIs a client may register, and which one a request may name. */
import { canParseUrl } from '../../../base/can-parse-url.js'
import { isLoopback } from '../../../http/secure-url.js'

const MAX_LENGTH = 1_000
/** The characters of RFC 3986 §2, except `#`: a redirect URI has no fragment (RFC 6749 §3.1.2). */
const URI = /^[\w:/?[\]@!$&'()*+,;=.~%-]+$/
/** The host becomes part of the header Content-Security-Policy. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])$/
/** Schemes of browsers and operating systems, which do not lead to a native app. */
const RESERVED_SCHEMES =
  /^(?:about|android-app|blob|chrome|chrome-extension|data|devtools|file|filesystem|ftp|intent|javascript|mailto|ms-[\w+.-]*|res|resource|search|search-ms|sms|ssh|tel|telnet|vbscript|view-source|wss?):/

/**
 * Returns what is wrong with a redirect URI; `undefined` if a client may register it: an https URL,
 * an http URL on a loopback host, or the URI of a native app with a scheme of its own
 * (RFC 8252 §7).
 */
export function redirectUriProblem(uri: unknown): string | undefined {
  if (typeof uri !== 'string' || uri.length > MAX_LENGTH || !canParseUrl(uri)) {
    return `must be an absolute URI of at most ${MAX_LENGTH} characters`
  }
  if (uri.includes('#')) return 'must have no fragment'
  if (!URI.test(uri)) return 'must consist of the characters of RFC 3986'
  const url = new URL(uri)
  const { protocol, username, password, hostname } = url
  if (username !== '' || password !== '') return 'must have no user name and no password'
  if (/^https?:$/.test(protocol)) {
    if (!HOST.test(hostname)) return 'must have a host name of letters, digits, dots and hyphens'
    const isSecure = protocol === 'https:' || isLoopback(url)
    return isSecure ? undefined : 'must use https, unless its host is loopback'
  }
  // RFC 8252 §7.1 requires a scheme with a dot. Common editors have one without, and an authority.
  const isPrivateUse = protocol.includes('.') || uri.slice(protocol.length).startsWith('//')
  return isPrivateUse && !RESERVED_SCHEMES.test(protocol)
    ? undefined
    : 'must be an https URL, an http URL on a loopback host, or the URI of a native app, such as com.example.app:/callback'
}

/** An http URL with a loopback address, up to its port. */
const LOOPBACK_ADDRESS = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::\d{1,5})?(?=[/?]|$)/

/**
 * Whether a requested redirect URI is the registered one. The comparison is exact (RFC 9700 §2.1),
 * except for the port of a loopback address, which a native app learns only when it listens
 * (RFC 8252 §7.3). `localhost` is no address.
 */
export function matchesRedirectUri(registered: string, requested: string): boolean {
  if (registered === requested) return true
  const [anyPort, given] = [registered, requested].map((uri) => uri.replace(LOOPBACK_ADDRESS, '$1'))
  return LOOPBACK_ADDRESS.test(registered) && anyPort === given && canParseUrl(requested)
}

/** Returns the host of a redirect URI for users; the scheme if it is the URI of a native app. */
export function redirectHost(uri: string): string {
  const { protocol, host } = new URL(uri)
  return /^https?:$/.test(protocol) ? host : `${protocol.slice(0, -1)} (an app on this device)`
}

/** Whether a redirect URI leads to a program on this machine by http. */
export function isLoopbackRedirect(uri: string): boolean {
  const url = new URL(uri)
  return url.protocol === 'http:' && isLoopback(url)
}
