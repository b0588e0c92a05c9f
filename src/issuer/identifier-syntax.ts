import { canParseUrl } from '../base/can-parse-url.js'

/**
 * The syntax of issuer identifiers: any StringOrURI (RFC 7519 §2). Most are https URLs, where the
 * issuer's metadata is; others are strings such as `acme.com`, or http URLs. Always compared
 * character by character. For the check of the option `issuer`, see identifier-option.ts.
 */

/** Maximum length of an issuer identifier, in characters. */
export const MAX_IDENTIFIER_LENGTH = 512

/** RFC 3986 §2 except `?` and `#`: logs, databases and URL parsers read these characters alike. */
const PLAIN = /^[\w\-.~:/[\]@!$&'()*+,;=%]+$/
/** Includes encoded dot segments, which a server or proxy that decodes slashes would resolve. */
const DOT_SEGMENT = /(?:^|\/|%2f|%5c)(?:\.|%2e){1,2}(?:[/;]|%2f|%5c|%3b|$)/i

/**
 * Whether an untrusted `iss` may be looked up by the application. A URL must mean the same to a
 * string comparison as to `fetch`. Otherwise a function that checks a prefix would trust one tenant
 * while the keys come from another.
 */
export function isIssuerIdentifier(iss: string): boolean {
  if (iss.length > MAX_IDENTIFIER_LENGTH || !PLAIN.test(iss) || hasDotSegment(iss)) return false
  if (!canParseUrl(iss)) return !/^https?:/i.test(iss)
  const { username, password } = new URL(iss)
  return username === '' && password === '' && parsedSpelling(iss) === iss
}

export function hasDotSegment(identifier: string): boolean {
  return DOT_SEGMENT.test(identifier)
}

/** Returns the URL as URL parsers write it, except that an empty path stays empty. */
export function parsedSpelling(url: string): string {
  const { href, pathname } = new URL(url)
  return pathname === '/' && !url.endsWith('/') ? href.replace(/\/$/, '') : href
}

/**
 * Whether clients can look up the metadata of the authorization server by its issuer identifier
 * (RFC 8414 §2): an http or https URL without query, fragment and placeholders.
 */
export function isMetadataUrl(identifier: string): boolean {
  return /^https?:/.test(identifier) && PLAIN.test(identifier) && canParseUrl(identifier)
}
