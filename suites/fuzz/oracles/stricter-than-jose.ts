/**
 * Lists where this package is intentionally stricter than jose: this package must reject a token
 * that jose accepts if and only if one of these reasons applies. The list corresponds to
 * suites/differential/fixtures/intended-differences.ts, but needs only the token.
 */
import { NOW } from '../../../test/fixtures/forgery.js'
import { isCostly, isStrictObject } from './strict-json.js'

/**
 * A parsed token that jose accepted, with three segments, and with objects as header and claims.
 */
interface ParsedToken {
  readonly segments: readonly string[]
  readonly texts: readonly string[]
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

const REASONS: Readonly<Record<string, (read: ParsedToken) => boolean>> = {
  'longer than 8,192 characters': ({ segments }) => segments.join('.').length > 8_192,
  // RFC 7515 §2: jose on Node 20 accepts padding, the standard alphabet and stray bits.
  'non-canonical base64url': ({ segments }) => segments.some((part) => canonical(part) !== part),
  // RFC 7515 §4, RFC 7519 §4.
  'JSON with a duplicate member, __proto__, or too deep': ({ texts }) =>
    !texts.every(isStrictObject),
  'a costly header': ({ texts: [header = ''] }) => isCostly(header),
  // The issuer is read from the text of claims that are parsed after the signature is verified.
  'costly claims with an escaped name of an issuer claim': ({ texts: [, text = ''], claims }) =>
    isCostly(text) &&
    topLevelNames(text).some((name) => isEscaped(name) && typeof claims[read(name)] === 'string'),
  // RFC 7515 §4.1.11, RFC 7797 §7.
  'crit or b64': ({ header }) => 'crit' in header || 'b64' in header,
  'kid that is not a string': ({ header: { kid } }) => kid !== undefined && typeof kid !== 'string',
  // RFC 8725 §3.11.
  'typ of another token type': ({ header: { typ } }) =>
    typ !== undefined && !isAccessTokenType(typ),
  // RFC 7519 §2.
  'no exp, or a time that is not finite': ({ claims: { exp, nbf, iat } }) =>
    exp === undefined || ![exp, nbf ?? 0, iat ?? 0].every(Number.isFinite),
  'iat in the future': ({ claims: { iat } }) => typeof iat === 'number' && iat > NOW + 30,
  'sub, client_id or jti that is not a string': ({ claims }) =>
    ['sub', 'client_id', 'jti'].some(
      (name) => claims[name] !== undefined && typeof claims[name] !== 'string',
    ),
  // A revocation of the session would not cover the token.
  'sid that is not a string': ({ claims: { sid } }) =>
    sid !== undefined && sid !== null && typeof sid !== 'string',
  'aud with a member that is not a string': ({ claims: { aud } }) =>
    Array.isArray(aud) && !aud.every((name) => typeof name === 'string'),
  // RFC 8725 §3.12.
  'another token type by its claims': ({ claims }) =>
    ['at_hash', 'c_hash', 's_hash'].some((name) => name in claims) ||
    isObject(claims.events) ||
    isOtherTokenType(claims.token_use) ||
    isOtherTokenType(claims.typ),
  // RFC 9449 §7.2, RFC 8705 §3: jose does not require a proof.
  'sender-constrained by cnf': ({ claims }) => 'cnf' in claims,
}

/**
 * Returns the first reason that applies to the token; `undefined` if this package must accept the
 * token.
 */
export function reasonToReject(raw: string): string | undefined {
  const segments = raw.split('.')
  const bytes = segments.slice(0, 2).map((part) => Buffer.from(part, 'base64url'))
  const texts = bytes.map((part) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(part))
  const [header, claims] = texts.map((text) => members(text.replace(/^\ufeff/, '')))
  if (header === undefined || claims === undefined) return undefined
  const read = { segments, texts, header, claims }
  return Object.entries(REASONS).find(([, has]) => has(read))?.[0]
}

/** Returns the names of the members of the outermost object, as the text writes them. */
function topLevelNames(text: string): readonly string[] {
  const names: string[] = []
  let depth = 0
  for (const { 0: part, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (part === '{' || part === '[') depth++
    else if (part === '}' || part === ']') depth--
    else if (depth === 1 && /^\s*:/.test(text.slice(index + part.length))) names.push(part)
  }
  return names
}

/** Whether the name is `iss` or `tid`, written with an escape. */
function isEscaped(name: string): boolean {
  return name.includes('\\') && ['iss', 'tid'].includes(read(name))
}

function read(name: string): string {
  return JSON.parse(name)
}

/** Parses without a prototype, so that `in` finds only the token's own members. */
function members(text: string): Readonly<Record<string, unknown>> {
  return Object.assign(Object.create(null), JSON.parse(text))
}

function canonical(segment: string): string {
  return Buffer.from(segment, 'base64url').toString('base64url')
}

function isAccessTokenType(typ: unknown): boolean {
  return typeof typ === 'string' && /^(?:application\/)?(?:at\+jwt|jwt)$/i.test(typ)
}

const OTHER_TOKEN_TYPE =
  /^(application\/)?(id|id_token|refresh|refresh_token|offline|logout|logout_token|logout\+jwt|secevent\+jwt)$/i

function isOtherTokenType(value: unknown): boolean {
  return typeof value === 'string' && OTHER_TOKEN_TYPE.test(value)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
