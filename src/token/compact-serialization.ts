/** The compact serialization of a JWS (RFC 7515 §3.1): three parts, two of them JSON objects. */
import { isUtf8 } from 'node:buffer'
import { parseJsonObject } from '../json-object.js'
import { decodeBase64url } from './base64url.js'

/** The three parts as they were sent; `undefined` if there aren't three. */
export function splitCompact(
  raw: string,
): readonly [header: string, payload: string, signature: string] | undefined {
  const first = raw.indexOf('.')
  const second = raw.indexOf('.', first + 1)
  if (second === -1 || raw.includes('.', second + 1)) return undefined
  return [raw.slice(0, first), raw.slice(first + 1, second), raw.slice(second + 1)]
}

/** A JSON object in UTF-8, frozen; `undefined` if the bytes are none, or have a member twice. */
export function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  return isUtf8(bytes) ? parseJsonObject(bytes.toString('utf8')) : undefined
}

/** The same out of its base64url. */
export function decodeObject(segment: string): Readonly<Record<string, unknown>> | undefined {
  const bytes = decodeBase64url(segment)
  return bytes && parseObject(bytes)
}
