/**
 * An independent check of introspection responses (RFC 7662 §2.2, RFC 9701 §5), written from the
 * RFCs alone: the token is valid if and only if every line holds.
 */
import { NOW } from '../../../test/fixtures/forgery.js'
import { AUDIENCE } from '../../../test/fixtures/issuer.js'

type Members = Readonly<Record<string, unknown>>

const TOLERANCE = 30

/** Some issuers send `null` for these members instead of omitting them. */
const MAY_BE_NULL = ['iss', 'sub', 'nbf', 'iat', 'jti', 'token_type', 'client_id', 'sid']

/** Whether a response that is JSON without duplicate members describes a valid token. */
export function isActiveResponse(response: Members, issuer: string): boolean {
  const own = (name: string) =>
    Object.hasOwn(response, name) && !(response[name] === null && MAY_BE_NULL.includes(name))
      ? response[name]
      : undefined
  const has = (name: string) => Object.hasOwn(response, name)
  const absentOr = (name: string, isValid: (value: unknown) => boolean) =>
    own(name) === undefined || isValid(own(name))
  const isTime = (value: unknown): value is number => Number.isFinite(value)
  const aud = Array.isArray(own('aud')) ? (own('aud') as unknown[]) : [own('aud')]
  const exp = own('exp')
  return (
    own('active') === true &&
    isTime(exp) &&
    exp > NOW - TOLERANCE &&
    absentOr('nbf', (nbf) => isTime(nbf) && nbf <= NOW + TOLERANCE) &&
    absentOr('iat', (iat) => isTime(iat) && iat <= NOW + TOLERANCE) &&
    absentOr('iss', (iss) => iss === issuer) &&
    aud.every((name) => typeof name === 'string') &&
    aud.includes(AUDIENCE) &&
    ['sub', 'client_id', 'jti'].every((name) =>
      absentOr(name, (value) => typeof value === 'string'),
    ) &&
    absentOr('sid', (sid) => typeof sid === 'string') &&
    // A bearer token: the API of this target accepts neither DPoP nor certificates.
    absentOr('token_type', (type) => typeof type === 'string' && /^bearer$/i.test(type)) &&
    !has('cnf') &&
    !['at_hash', 'c_hash', 's_hash'].some(has) &&
    !isObject(own('events')) &&
    !['token_use', 'typ'].some((name) => isOtherTokenType(own(name)))
  )
}

/**
 * Whether the JWT around a response is valid, apart from its signature. `names` are the API's
 * audiences.
 */
export function isValidEnvelope(
  header: Members,
  claims: Members,
  { issuer, names }: { readonly issuer: string; readonly names: readonly string[] },
): boolean {
  const aud = Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  return (
    header.typ === 'token-introspection+jwt' &&
    claims.iss === issuer &&
    aud.some((name) => typeof name === 'string' && names.includes(name)) &&
    typeof claims.iat === 'number' &&
    Math.abs(NOW - claims.iat) <= 300
  )
}

const OTHER_TOKEN_TYPE =
  /^(application\/)?(id|id_token|refresh|refresh_token|offline|logout|logout_token|logout\+jwt|secevent\+jwt)$/i

function isOtherTokenType(value: unknown): boolean {
  return typeof value === 'string' && OTHER_TOKEN_TYPE.test(value)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
