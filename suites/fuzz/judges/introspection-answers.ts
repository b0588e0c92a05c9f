/**
 * What an introspection answer is worth (RFC 7662 §2.2, RFC 9701 §5), read from the RFCs alone: the
 * token is good if and only if every line holds.
 */
import { NOW } from '../../../test/fixtures/forgery.js'
import { AUDIENCE } from '../../../test/fixtures/issuer.js'

type Members = Readonly<Record<string, unknown>>

const TOLERANCE = 30

/** What is said of a token, when it is JSON without names twice. */
export function isGoodAnswer(said: Members, issuer: string): boolean {
  const own = (name: string) => (Object.hasOwn(said, name) ? said[name] : undefined)
  const has = (name: string) => Object.hasOwn(said, name)
  const absentOr = (name: string, fits: (value: unknown) => boolean) =>
    own(name) === undefined || fits(own(name))
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
    aud.every((one) => typeof one === 'string') &&
    aud.includes(AUDIENCE) &&
    ['sub', 'client_id', 'jti'].every((name) =>
      absentOr(name, (value) => typeof value === 'string'),
    ) &&
    // A bearer token, since neither DPoP nor certificates are taken here.
    absentOr('token_type', (type) => typeof type === 'string' && /^bearer$/i.test(type)) &&
    !has('cnf') &&
    !['at_hash', 'c_hash', 's_hash'].some(has) &&
    !isObject(own('events')) &&
    !['token_use', 'typ'].some((name) => isOtherKind(own(name)))
  )
}

/** Around it, when it is signed by the issuer. `names` are what the API may be called. */
export function isGoodEnvelope(
  header: Members,
  claims: Members,
  { issuer, names }: { readonly issuer: string; readonly names: readonly string[] },
): boolean {
  const aud = Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  return (
    header.typ === 'token-introspection+jwt' &&
    claims.iss === issuer &&
    aud.some((one) => typeof one === 'string' && names.includes(one)) &&
    typeof claims.iat === 'number' &&
    Math.abs(NOW - claims.iat) <= 300
  )
}

const OTHER_KIND =
  /^(application\/)?(id|id_token|refresh|refresh_token|offline|logout|logout_token|logout\+jwt|secevent\+jwt)$/i

function isOtherKind(value: unknown): boolean {
  return typeof value === 'string' && OTHER_KIND.test(value)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
