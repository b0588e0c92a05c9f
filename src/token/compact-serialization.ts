/** The compact serialization of a JWS (RFC 7515 §3.1): three parts, two of them JSON objects. */
import { isUtf8 } from 'node:buffer'
import { parseJsonObject } from '../base/json-object.js'
import { decodeBase64url } from './base64url.js'
import { isCheapToParse } from './json-cost.js'

/** The three parts as they were sent; `undefined` if there aren't three. */
export function splitCompact(
  raw: string,
): readonly [header: string, payload: string, signature: string] | undefined {
  const first = raw.indexOf('.')
  const second = raw.indexOf('.', first + 1)
  if (second === -1 || raw.includes('.', second + 1)) return undefined
  return [raw.slice(0, first), raw.slice(first + 1, second), raw.slice(second + 1)]
}

/** `undefined` if the bytes aren't UTF-8. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

/**
 * The JSON object that a segment from an untrusted caller holds, frozen; `undefined` if it holds none,
 * one with a member twice, or one that is costly to parse.
 */
export function decodeCheapObject(segment: string): Readonly<Record<string, unknown>> | undefined {
  const json = decodeText(segment)
  return json !== undefined && isCheapToParse(json) ? parseJsonObject(json) : undefined
}

/** The text that a segment holds; `undefined` if it isn't UTF-8 in canonical base64url. */
export function decodeText(segment: string): string | undefined {
  const bytes = decodeBase64url(segment)
  return bytes && decodeUtf8(bytes)
}
