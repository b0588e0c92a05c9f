/** Advises on a token that cannot be parsed: which part is malformed, and how to fix it. */
import { isUtf8 } from 'node:buffer'
import { isJsonObject, parseJsonObject } from '../../base/json-object.js'
import { isRejection } from '../../errors/result.js'
import { decodeBase64url } from '../../token/base64url.js'
import { decodeText, splitCompact } from '../../token/compact-serialization.js'
import { readHeader } from '../../token/jose-header.js'
import { isCheapToParse } from '../../token/json-cost.js'
import { jsonTypeName } from '../json-type-name.js'
import { readEncryptedLayer } from './encrypted-layer.js'

export const UNSIGNED = 'The token is not signed at all: anyone can create it.'

const SEVERAL_TOKENS =
  'The input contains several tokens. Copy one token only. If a client or a gateway sends them in one header, or sends the header more than once, have it send one.'

const OPAQUE =
  'An opaque token can only be verified by introspection at its issuer: get a JWT (Auth0: name the API with --audience; Okta: use a custom authorization server), or configure "introspection" in the API. A refresh token is opaque as well: send the "access_token" of the token response.'

/** Maximum number of nested levels of JSON that the plugin accepts. */
const MAX_DEPTH = 32
/** Node's default maximum size of all headers of a request, in bytes. */
const MAX_HEADERS = 16_384

export function malformedAdvice(raw: string, maxTokenLength: number): string {
  if (raw.length > maxTokenLength) return tooLong(raw.length, maxTokenLength)
  const placeholder = placeholderAdvice(raw)
  if (placeholder !== undefined) return placeholder
  if (isEncodedJwt(raw)) {
    return 'The input is a JWT that was encoded in base64 once more: send the JWT itself, which begins with "eyJ".'
  }
  const parts = splitCompact(raw)
  if (parts === undefined && hasSeveralTokens(raw)) return SEVERAL_TOKENS
  if (isOpaque(raw)) return OPAQUE
  if (parts === undefined) return forIssuerItselfAdvice(raw) ?? wrongNumberOfParts(raw)
  const [header, payload, signature] = parts
  return (
    objectAdvice('header', header) ??
    headerAdvice(header) ??
    objectAdvice('payload', payload) ??
    (signature === '' ? UNSIGNED : encodingAdvice('signature', signature)) ??
    'The token is not a JWT as issuers create it. Copy it again, complete and unchanged.'
  )
}

function tooLong(length: number, most: number): string {
  const headers =
    length < MAX_HEADERS - 1_000
      ? ''
      : ` Node itself responds with 431 if all headers together exceed ${MAX_HEADERS} bytes (raise --max-http-header-size).`
  return `The token has ${length} characters; this API accepts at most ${most}. Have the issuer put fewer claims into it (groups and roles are the usual cause), or raise "maxTokenLength" in the API, and --max-token-length here.${headers}`
}

function wrongNumberOfParts(raw: string): string {
  if (/\.{3}|…/.test(raw)) {
    return 'The token is abbreviated with "…": copy it completely, from where it was issued.'
  }
  return readEncryptedLayer(raw)?.header.enc === undefined
    ? 'A JWT has three parts, separated by two dots. Copy only the token, completely.'
    : 'The token has five parts, so it is encrypted (JWE). To decrypt it here, add --decryption-key with the private key of the API, which must have the option "decryption"; or have the issuer not encrypt the tokens for this API.'
}

/**
 * Returns the advice on text that clients send if they have no token, such as `undefined` or
 * `$TOKEN`; `undefined` for any other text.
 */
export function placeholderAdvice(text: string): string | undefined {
  if (!PLACEHOLDER.test(text)) return undefined
  return `"${text}" is no token: the client read the token from a variable or a member that does not exist, or did not replace the placeholder.`
}

const PLACEHOLDER =
  /^(?:undefined|null|none|nil|nan|true|false|\[object [a-z]+\]|\$\{?\w{1,40}\}?|\{{1,2}[\w .-]{1,40}\}{1,2}|<[\w .-]{1,40}>|%\w{1,40}%)$/i

function hasSeveralTokens(raw: string): boolean {
  return raw.includes(',') || (raw.match(/(?<!eyJ[\w-]*?)eyJ[\w-]*\.eyJ/g) ?? []).length > 1
}

/**
 * Whether the text looks like an opaque token: it does not begin like a JWT, and no part of it
 * encodes JSON, as a damaged JWT would have.
 */
function isOpaque(raw: string): boolean {
  return (
    !raw.startsWith('eyJ') &&
    raw
      .split('.')
      .map(decodeText)
      .every((text) => text === undefined || parse(text) === undefined)
  )
}

/** Whether the text is the base64 encoding of a JWT. */
function isEncodedJwt(raw: string): boolean {
  return /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(Buffer.from(raw, 'base64').toString('latin1'))
}

/**
 * Returns the advice on a token that the issuer encrypted with its own secret, as Auth0 does;
 * `undefined` for any other token. The header of such a token has `iss`, and no `cty`.
 */
export function forIssuerItselfAdvice(raw: string): string | undefined {
  const { header: { alg, iss, cty } = {} } = readEncryptedLayer(raw) ?? {}
  if (alg !== 'dir' || typeof iss !== 'string' || cty !== undefined) return undefined
  return 'The issuer encrypted the token for itself, so only its UserInfo endpoint can read it. Auth0 issues such tokens if a client names no API: request a token with --audience.'
}

/**
 * Returns the advice on a part that is empty or is not base64url without padding (RFC 7515 §2);
 * `undefined` if the part is valid.
 */
function encodingAdvice(part: string, segment: string): string | undefined {
  if (segment === '') return `The ${part} is empty. Copy the complete token again.`
  if (decodeBase64url(segment) !== undefined) return undefined
  if (/^[^=]+=+$/.test(segment)) {
    return `The ${part} is padded with "=". A JWT is written in base64url without padding (RFC 7515 §2): have the code that creates the token omit it.`
  }
  if (/[+/]/.test(segment)) {
    return `The ${part} is written in base64 with "+" or "/". A JWT is written in base64url (RFC 7515 §2), with "-" and "_" instead: have the code that creates the token use these.`
  }
  if (/[^\w-]/.test(segment)) {
    return `The ${part} has characters that base64url lacks. Copy the token again, alone and unchanged.`
  }
  return `The ${part} is not canonical base64url: it was truncated, or its last character was changed. Copy the complete token again.`
}

function objectAdvice(part: string, segment: string): string | undefined {
  const encoding = encodingAdvice(part, segment)
  if (encoding !== undefined) return encoding
  const bytes = decodeBase64url(segment) as Buffer
  if (!isUtf8(bytes)) {
    return `The ${part} is not UTF-8, which JSON in a JWT must be (RFC 7519 §3; Latin-1 is the usual mistake). Have the issuer encode the text of its claims as UTF-8.`
  }
  const text = bytes.toString('utf8')
  const value = parse(text)
  if (value === undefined) {
    return `The ${part} is not JSON: the token was modified or truncated, or is not a JWT. Copy it again completely.`
  }
  if (!isJsonObject(value))
    return `The ${part} is ${jsonTypeName(value)}, and must be a JSON object.`
  if (parseJsonObject(text) !== undefined) return undefined
  if (isDeeperThan(MAX_DEPTH, value)) {
    return `The ${part} is nested more than ${MAX_DEPTH} levels deep, which no known claim requires. Have the issuer flatten its claims.`
  }
  return `The ${part} has a duplicate member, or one named "__proto__". Parsers interpret these differently, so they are rejected (RFC 7519 §4): have the issuer write each member once.`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Whether a value is nested more than `levels` levels deep. Visits one level after the other and is
 * not recursive, so that deep nesting cannot exhaust the stack.
 */
function isDeeperThan(levels: number, value: object): boolean {
  let level: readonly object[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true
    level = level
      .flatMap((item) => Object.values(item))
      .filter((value) => typeof value === 'object' && value !== null)
  }
  return false
}

function headerAdvice(segment: string): string | undefined {
  const text = (decodeBase64url(segment) as Buffer).toString('utf8')
  if (!isCheapToParse(text)) {
    return 'The header has far more members than RFC 7515 §4.1 defines, so it is not parsed: have the issuer put claims into the payload.'
  }
  const header = JSON.parse(text)
  const read = readHeader(header)
  if (!isRejection(read)) return undefined
  const { expected, found } = read.reason
  const here = found === 'undefined' ? 'absent' : found
  return `The header must have ${expected}; found: ${here}. Have the issuer write the header as RFC 7515 §4.1 says.`
}
