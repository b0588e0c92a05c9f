/**
 * Checks the syntax of issuer identifiers. An identifier is a StringOrURI (RFC 7519 §2): most are
 * https URLs, from which the issuer's metadata is fetched; others are http URLs, or strings such as
 * `acme.com`. Identifiers are always compared code point by code point. identifier-option.ts
 * validates the option `issuer`.
 */
import { canParseUrl } from '../base/can-parse-url.js'

/** Maximum length of an issuer identifier, in characters. */
export const MAX_IDENTIFIER_LENGTH = 512

/**
 * Characters that logs, databases and URL parsers all read in the same way: those of RFC 3986 §2
 * except `?` and `#`.
 */
const PLAIN = /^[\w\-.~:/[\]@!$&'()*+,;=%]+$/
/**
 * Also matches percent-encoded dots and separators, because a server or proxy that decodes them
 * resolves the segment.
 */
const DOT_SEGMENT = /(?:^|\/|%2f|%5c)(?:\.|%2e){1,2}(?:[/;]|%2f|%5c|%3b|$)/i

/**
 * Whether an untrusted `iss` may be passed to the application's function `issuer`. A URL must equal
 * its parsed form (an empty path may lack the slash): otherwise a function that checks a prefix
 * could trust one tenant while the keys are fetched from another.
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

/** Returns the URL as URL parsers write it, except that an empty path does not become a slash. */
export function parsedSpelling(url: string): string {
  const { href, pathname } = new URL(url)
  return pathname === '/' && !url.endsWith('/') ? href.replace(/\/$/, '') : href
}

/**
 * Whether clients can find the metadata of an authorization server by its issuer identifier (RFC
 * 8414 §2): the identifier must be an http or https URL without query, fragment or placeholders.
 */
export function isMetadataUrl(identifier: string): boolean {
  return /^https?:/.test(identifier) && PLAIN.test(identifier) && canParseUrl(identifier)
}
