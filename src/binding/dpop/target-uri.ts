/**
 * Compares the target URI of a proof with that of the request, without query or fragment (RFC 9449
 * §4.3, check 9), after the normalization of RFC 3986 §6.2.2 and §6.2.3.
 *
 * Normalization must not make the paths of two routes equal, because a proof for one route would
 * then be valid for the other. Therefore a request whose path URL parsers and routers read
 * differently matches no proof.
 */
import { canParseUrl } from '../../base/can-parse-url.js'

/**
 * Whether a proof is for the URL of the request.
 *
 * @param htu the target URI in the proof.
 * @param target the URL of the request, with the path as the client sent it.
 */
export function isSameTarget(htu: string, target: string): boolean {
  const resource = withoutQuery(target)
  if (!isUnambiguous(resource)) return false
  // Compares without parsing first, because most clients send the normalized form.
  if (htu === resource) return true
  const normal = normalized(htu)
  return normal !== undefined && normal === normalized(resource)
}

/** Returns the URL up to the first `?` or `#`, because routers also end the path there. */
export function withoutQuery(target: string): string {
  const end = target.search(/[?#]/)
  return end === -1 ? target : target.slice(0, end)
}

/**
 * Whether URL parsers and routers read the same path from the URL. URL parsers remove dot segments
 * and convert backslashes to slashes; Fastify's router does neither.
 */
export function isUnambiguous(resource: string): boolean {
  return URI.test(resource) && !DOT_SEGMENT.test(resource)
}

/**
 * An http or https URL without credentials, query or fragment. Its path may contain the characters
 * of RFC 3986, and some that URL parsers percent-encode.
 */
const URI = /^https?:\/\/[\w.:[\]-]+(?:\/(?:[\x21-\x24\x26-\x5b\x5d-\x7e]|%[0-9a-f]{2})*)?$/i
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i

/** Syntax required before parsing, because URL parsers accept invalid input such as line breaks. */
const PARSED = /^https?:\/\/[\w.:[\]-]+(?:[/?#][\x21-\x5b\x5d-\x7e]*)?$/i

function normalized(text: string): string | undefined {
  if (!PARSED.test(text) || !canParseUrl(text)) return undefined
  const { protocol, host, pathname } = new URL(text)
  return `${protocol}//${host}${pathname.replace(/%[0-9a-f]{2}/gi, normalizedOctet)}`
}

/**
 * Decodes a percent-encoded unreserved character; returns any other encoding with upper-case
 * hexadecimal digits (RFC 3986 §6.2.2.1, §6.2.2.2).
 */
function normalizedOctet(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : encoded.toUpperCase()
}
