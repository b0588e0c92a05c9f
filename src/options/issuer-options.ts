/** What may be said about one trusted authorization server, and its check. */
import type { JSONWebKeySet } from 'jose'
import {
  type Algorithm,
  ASYMMETRIC_ALGORITHMS,
  isAsymmetric,
  isSymmetric,
  minimumSecretBytes,
  SYMMETRIC_ALGORITHMS,
} from '../algorithms.js'
import { isOktaDomain, oktaMistake } from '../issuer/okta-domain.js'
import { PROFILE_NAMES, type Profile, type ProfileName, profileNamed } from '../issuer/profile.js'
import { isSecureUrl } from '../secure-url.js'
import { booleanOr, isPlainObject, reject, requireKnownKeys, strings } from './check.js'
import { JWKS_OPTIONS, type JwksOptions, type ResolvedJwks, resolveJwks } from './jwks-options.js'

/** One trusted authorization server. Every member but `issuer` may also stand at the top level. */
export interface IssuerOptions {
  /**
   * The issuer's name, exactly as it stands in `iss` and in the issuer's metadata: compared code
   * point by code point, a trailing slash included. An https URL (http on loopback) without query
   * or fragment. RFC 8414 §2.
   */
  issuer: string

  /**
   * The name, or names, of this API. A token must have one of them in `aud`, exactly. Required.
   * RFC 9068 §4, RFC 8707.
   */
  audience?: string | readonly string[]

  /**
   * How this issuer writes its access tokens. `standard`: scope in `scope` or `scp`, client in
   * `client_id` or `azp`. `rfc9068`: strictly RFC 9068 (`typ`, all required claims). `okta`:
   * scope in `scp`, client in `cid`. Default: `okta` for an Okta domain, else `standard`.
   */
  profile?: ProfileName

  /**
   * The signature algorithms to accept. Default: RS256, PS256, ES256 and their larger sizes, EdDSA
   * and Ed25519, each only with a key of its kind. `none` is never accepted; HS256, HS384 and HS512
   * only with `secret`. RFC 8725 §3.1.
   */
  algorithms?: readonly Algorithm[]

  /** Where the key set is. Default: what the issuer's metadata says. With it, no metadata is read. */
  jwksUri?: string

  /** The key set itself, or how it is fetched and kept. */
  jwks?: JwksOptions

  /**
   * A secret shared with the issuer, for HS256, HS384 or HS512, which must be named in `algorithms`.
   * At least as many bytes as the hash has (RFC 7518 §3.2). Excludes a key set: an API that knows
   * the secret could issue tokens itself, so prefer keys.
   */
  secret?: string | Uint8Array

  /**
   * Fetch metadata and keys over plain http beyond loopback. Default false. Whoever can touch such
   * a connection can issue tokens: for development networks, such as between containers, only.
   */
  dangerouslyAllowHttp?: boolean
}

export const ISSUER_OPTIONS = [
  'issuer',
  'audience',
  'profile',
  'algorithms',
  'jwksUri',
  'jwks',
  'secret',
  'dangerouslyAllowHttp',
] as const satisfies readonly (keyof IssuerOptions)[]

/** {@link IssuerOptions} checked, with every default filled in. */
export interface ResolvedIssuer {
  readonly issuer: string
  readonly audience: ReadonlySet<string>
  readonly profile: Profile
  readonly algorithms: ReadonlySet<Algorithm>
  readonly keys: ResolvedKeys
}

/** The one place where the issuer's keys come from. */
export type ResolvedKeys =
  | { readonly from: 'secret'; readonly secret: Uint8Array }
  | { readonly from: 'given'; readonly jwks: JSONWebKeySet; readonly maxKeys: number }
  | {
      readonly from: 'remote'
      readonly jwksUri: string | undefined
      readonly allowHttp: boolean
      readonly jwks: ResolvedJwks
    }

/** @throws {TypeError} that names the option and the mend. */
export function resolveIssuer(options: IssuerOptions): ResolvedIssuer {
  requireKnownKeys('an issuer', options, ISSUER_OPTIONS)
  const allowHttp = booleanOr('dangerouslyAllowHttp', options.dangerouslyAllowHttp, false)
  const url = requireIssuer(options.issuer, allowHttp)
  const audience = strings(
    'audience',
    options.audience,
    `the name of this API, as the tokens of ${options.issuer} have it in "aud"`,
  )
  return Object.freeze({
    issuer: options.issuer,
    audience: new Set(audience),
    profile: profileNamed(resolveProfile(options.profile, url)),
    algorithms: new Set(resolveAlgorithms(options)),
    keys: resolveKeys(options, allowHttp),
  })
}

function requireIssuer(issuer: unknown, allowHttp: boolean): URL {
  // The URL parser drops white space, a comparison with "iss" doesn't.
  if (typeof issuer !== 'string' || /\s/.test(issuer) || !URL.canParse(issuer)) {
    reject('issuer', 'must be a URL, such as https://example.okta.com/oauth2/default')
  }
  const url = new URL(issuer)
  if (/[?#]/.test(issuer) || url.username !== '' || url.password !== '') {
    reject('issuer', 'must be a URL without query, fragment and credentials')
  }
  if (!isSecureUrl(issuer, { allowHttp, mayBeLoopback: true })) {
    reject('issuer', `must be an https URL (http on loopback only): ${issuer}`)
  }
  const mistake = oktaMistake(url)
  if (mistake !== undefined) reject('issuer', `${issuer} ${mistake}`)
  return url
}

function resolveProfile(profile: unknown, issuer: URL): ProfileName {
  if (profile === undefined) return isOktaDomain(issuer) ? 'okta' : 'standard'
  const known = PROFILE_NAMES.find((name) => name === profile)
  return known ?? reject('profile', `must be one of ${PROFILE_NAMES.join(', ')}`)
}

function resolveAlgorithms({ algorithms, secret }: IssuerOptions): readonly Algorithm[] {
  if (algorithms === undefined && secret === undefined) return ASYMMETRIC_ALGORITHMS
  const fit = secret === undefined ? isAsymmetric : isSymmetric
  const known = secret === undefined ? ASYMMETRIC_ALGORITHMS : SYMMETRIC_ALGORITHMS
  if (!Array.isArray(algorithms) || algorithms.length === 0 || !algorithms.every(fit)) {
    const which = secret === undefined ? 'without a "secret"' : 'with a "secret"'
    reject('algorithms', `must be an array of some of ${known.join(', ')} ${which}`)
  }
  return algorithms
}

function resolveKeys(options: IssuerOptions, allowHttp: boolean): ResolvedKeys {
  const { jwksUri, jwks = {}, secret } = options
  requireKnownKeys('"jwks"', jwks, JWKS_OPTIONS)
  const sources = Object.entries({ jwksUri, 'jwks.keys': jwks.keys, secret })
  const given = sources.filter(([, value]) => value !== undefined).map(([name]) => `"${name}"`)
  if (given.length > 1) {
    throw new TypeError(`${given.join(' and ')} exclude each other: keys have one source`)
  }
  const resolved = resolveJwks(jwks)
  if (secret !== undefined) return { from: 'secret', secret: requireSecret(options) }
  if (jwks.keys !== undefined) {
    const { keys } = jwks
    if (!Array.isArray(keys) || !keys.every(isPlainObject)) {
      reject('jwks.keys', 'must be an array of JWKs, the "keys" of a JWK Set')
    }
    return { from: 'given', jwks: { keys }, maxKeys: resolved.maxKeys }
  }
  if (jwksUri !== undefined && !isSecureUrl(jwksUri, { allowHttp, mayBeLoopback: true })) {
    reject('jwksUri', 'must be an https URL (http on loopback only) without credentials')
  }
  return { from: 'remote', jwksUri, allowHttp, jwks: resolved }
}

function requireSecret({ secret, algorithms = [] }: IssuerOptions): Uint8Array {
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
  const minimum = Math.max(...algorithms.filter(isSymmetric).map(minimumSecretBytes))
  if (!(bytes instanceof Uint8Array) || bytes.byteLength < minimum) {
    reject('secret', `must be a string or Uint8Array of at least ${minimum} bytes`)
  }
  return bytes
}
