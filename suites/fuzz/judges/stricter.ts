/**
 * Where we are stricter than jose on purpose: what a token that jose accepts must have for us to
 * refuse it, and to have to. The list of suites/differential/fixtures/intents.ts, told from the token
 * alone. Whatever else jose accepts has to be accepted.
 */
import { NOW } from '../../../test/fixtures/forgery.js'
import { isCostly, isStrictObject } from './strict-json.js'

/** What is read of a token that jose accepted: it has three segments, and both are JSON objects. */
interface Read {
  readonly segments: readonly string[]
  readonly texts: readonly string[]
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

const TRAITS: Readonly<Record<string, (read: Read) => boolean>> = {
  'longer than 8,192 characters': ({ segments }) => segments.join('.').length > 8_192,
  // RFC 7515 §2: jose on Node 20 lets padding, the other alphabet and stray bits pass.
  'spelled otherwise': ({ segments }) => segments.some((part) => canonical(part) !== part),
  // RFC 7515 §4, RFC 7519 §4.
  'JSON with a name twice, __proto__, or too deep': ({ texts }) => !texts.every(isStrictObject),
  'a costly header': ({ texts: [header = ''] }) => isCostly(header),
  // The issuer of claims that are parsed late is read from their text.
  'costly claims with escapes': ({ texts: [, claims = ''] }) =>
    isCostly(claims) && claims.includes('\\u'),
  // RFC 7515 §4.1.11, RFC 7797 §7.
  'crit or b64': ({ header }) => 'crit' in header || 'b64' in header,
  'kid that is no string': ({ header: { kid } }) => kid !== undefined && typeof kid !== 'string',
  // RFC 8725 §3.11.
  'typ of another kind': ({ header: { typ } }) => typ !== undefined && !isAccessTokenType(typ),
  // RFC 7519 §2.
  'no exp, or a time that is not finite': ({ claims: { exp, nbf, iat } }) =>
    exp === undefined || ![exp, nbf ?? 0, iat ?? 0].every(Number.isFinite),
  'iat in the future': ({ claims: { iat } }) => typeof iat === 'number' && iat > NOW + 30,
  'a name that is no string': ({ claims }) =>
    ['sub', 'client_id', 'jti'].some(
      (name) => claims[name] !== undefined && typeof claims[name] !== 'string',
    ),
  'aud with something else than strings': ({ claims: { aud } }) =>
    Array.isArray(aud) && !aud.every((one) => typeof one === 'string'),
  // RFC 8725 §3.12.
  'another kind of token by its claims': ({ claims }) =>
    ['at_hash', 'c_hash', 's_hash'].some((name) => name in claims) ||
    isObject(claims.events) ||
    isOtherKind(claims.token_use) ||
    isOtherKind(claims.typ),
  // RFC 9449 §7.2, RFC 8705 §3: a proof is what jose doesn't ask for.
  'bound by cnf': ({ claims }) => 'cnf' in claims,
}

/** The first trait of the token; `undefined` if nothing justifies to refuse it. */
export function reasonToRefuse(raw: string): string | undefined {
  const segments = raw.split('.')
  const bytes = segments.slice(0, 2).map((part) => Buffer.from(part, 'base64url'))
  const texts = bytes.map((part) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(part))
  const [header, claims] = texts.map((text) => members(text.replace(/^\ufeff/, '')))
  if (header === undefined || claims === undefined) return undefined
  const read = { segments, texts, header, claims }
  return Object.entries(TRAITS).find(([, has]) => has(read))?.[0]
}

/** Without a prototype, so that `in` sees the token's own names only. */
function members(text: string): Readonly<Record<string, unknown>> {
  return Object.assign(Object.create(null), JSON.parse(text))
}

function canonical(segment: string): string {
  return Buffer.from(segment, 'base64url').toString('base64url')
}

function isAccessTokenType(typ: unknown): boolean {
  return typeof typ === 'string' && /^(?:application\/)?(?:at\+jwt|jwt)$/i.test(typ)
}

const OTHER_KIND =
  /^(application\/)?(id|id_token|refresh|refresh_token|offline|logout|logout_token|logout\+jwt|secevent\+jwt)$/i

function isOtherKind(value: unknown): boolean {
  return typeof value === 'string' && OTHER_KIND.test(value)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
