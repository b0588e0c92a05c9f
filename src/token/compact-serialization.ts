/** Splits and decodes the compact serialization of a JWS (RFC 7515 §3.1). */
import { isUtf8 } from 'node:buffer'
import { parseJsonObject } from '../base/json-object.js'
import { decodeBase64url } from './base64url.js'
import { isCheapToParse } from './json-cost.js'

/** Returns the three encoded segments; `undefined` if there are not exactly three. */
export function splitCompact(
  raw: string,
): readonly [header: string, payload: string, signature: string] | undefined {
  const first = raw.indexOf('.')
  const second = raw.indexOf('.', first + 1)
  if (second === -1 || raw.includes('.', second + 1)) return undefined
  return [raw.slice(0, first), raw.slice(first + 1, second), raw.slice(second + 1)]
}

/**
 * Whether the token has the five parts of a JWE in compact serialization (RFC 7516 §7.1). Two JWTs in
 * a repeated header, which Node joins with a comma, are not a JWE.
 */
export function isCompactJwe(raw: string): boolean {
  return raw.split('.', 6).length === 5 && !raw.includes(',')
}

/** Decodes UTF-8; returns `undefined` if the bytes are not valid UTF-8. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

/**
 * Returns the JSON object that an untrusted segment encodes, deeply frozen; `undefined` if the
 * segment does not encode an object, or if the object has duplicate members or is costly to parse.
 */
export function decodeCheapObject(segment: string): Readonly<Record<string, unknown>> | undefined {
  const json = decodeText(segment)
  return json !== undefined && isCheapToParse(json) ? parseJsonObject(json) : undefined
}

/** Decodes a segment as text; returns `undefined` unless it is UTF-8 in canonical base64url. */
export function decodeText(segment: string): string | undefined {
  const bytes = decodeBase64url(segment)
  return bytes && decodeUtf8(bytes)
}
