/** Defines and validates the options of one trusted authorization server. */
import type { Algorithm } from '../base/algorithms.js'
import { booleanOr, reject, requireKnownKeys } from '../base/check.js'
import { isTenantTemplate } from '../http/metadata.js'
import {
  type IntrospectionOptions,
  type ResolvedIntrospection,
  resolveIntrospection,
} from '../introspection/options.js'
import type { JwksOptions } from '../keys/options.js'
import type { ExpectedAudience } from '../token/audience.js'
import { type NoAudience, resolveAudience } from './audience-option.js'
import { requireIdentifier } from './identifier-option.js'
import {
  type ResolvedKeys,
  resolveAlgorithms,
  resolveKeys,
  resolveSecretWithKeys,
} from './keys-option.js'
import { claimNames, resolveProfile } from './profile-option.js'
import type { Profile } from './providers/profile.js'
import type { ResolvedProfile } from './providers/provider.js'
import { MULTI_TENANT, type ProfileName, providerOwning } from './providers/providers.js'

/**
 * Options of one trusted authorization server. Every member except `issuer` may also be set at the
 * top level, where it is the default of all issuers. Set `jwksUri`, `jwks.keys`, `secret` and
 * `introspection` there only if there is one issuer.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer: [
 *     { issuer: 'https://login.example.com', audience: 'https://api.example.com' },
 *     { issuer: 'https://keycloak.example/realms/b', audience: 'orders', profile: 'keycloak' },
 *   ],
 * })
 * ```
 */
export interface IssuerOptions {
  /**
   * Issuer identifier, exactly as in `iss` and in the issuer's metadata; it is compared code point
   * by code point, including a trailing slash. Must be an https URL (http on loopback) without
   * query or fragment, spelled as URL parsers write it (RFC 8414 §2). If no metadata is read,
   * because `jwksUri`, `jwks.keys` or `secret` is set or the profile knows the key set (and with
   * `introspection`, its `endpoint` is set), any string of 1 to 512 printable ASCII characters
   * without space, `"` or `\\` is valid, such as `acme.com`.
   */
  issuer: string

  /**
   * Audience of this API, or an array of audiences. The `aud` of a token must contain at least one
   * of them, exactly (RFC 9068 §4, RFC 8707). Required, except with `dangerouslyNoAudience`; an
   * empty string or array is an error. For Amazon Cognito, whose tokens usually have no `aud`, set
   * the IDs of the app clients.
   */
  audience?: string | readonly string[]

  /**
   * Format of this issuer's access tokens: a built-in profile, or a custom one. `rfc9068` is
   * strict: it requires `typ` and the claims that RFC 9068 requires. `standard` accepts the
   * tokens of most issuers. Default: the profile of the provider that owns the issuer's domain,
   * otherwise `standard`. Set the profile for an issuer on another domain, such as a custom domain,
   * and for software that runs on any domain, such as Keycloak.
   */
  profile?: ProfileName | Profile

  /**
   * Claim that is compared with `audience` instead of `aud`, for an issuer that cannot put this API
   * into `aud`. The claim, which must be a string, usually names the client (`azp`, `client_id`);
   * `audience` then contains client IDs. The API accepts every token of these clients, even a token
   * that was issued for another API, so that other API can use the token here. Not available with
   * profiles whose provider puts the API into every access token, nor with profiles that extend
   * them. Default: `aud` is compared.
   */
  dangerouslyAudienceFrom?: string

  /**
   * Compares no audience, for an issuer whose tokens have neither `aud` nor a claim for
   * `dangerouslyAudienceFrom`. State why that is safe: `{ issuerServesThisApiOnly: true }`, or
   * `{ claims }` that restrict tokens to this API, each with its accepted values. Every access
   * token of the issuer (with these claims) is accepted, and so is an ID token that the profile
   * cannot distinguish from an access token. `audience` must be absent. Not available with profiles
   * whose provider puts the API into every access token, nor with profiles that extend them. Logs a
   * warning at registration. Default: the audience is compared.
   */
  dangerouslyNoAudience?: NoAudience

  /**
   * Whether tokens with `at_hash`, `c_hash` or `s_hash` are accepted. Only ID tokens should have
   * these claims, but some issuers put them into access tokens (Dex, authentik's hybrid flow). If
   * true, an ID token with this API in `aud` is accepted, unless `typ` or the profile rejects it,
   * so give the API an audience that is not a client ID. Default: true with the profile
   * `authentik`, which recognizes access tokens by other claims, otherwise false.
   */
  dangerouslyAllowIdTokenClaims?: boolean

  /**
   * Names of claims that every token must have, in addition to those of the profile: a token without
   * one of them is rejected with 401. Checks neither the type nor the value. For an opaque token,
   * the introspection response must have them. To have the type of `request.claims` say so, declare
   * the claims in {@link AccessTokenClaims}. Default: none.
   */
  requiredClaims?: readonly string[]

  /**
   * Accepted signature algorithms (RFC 8725 §3.1). Default: RS256, PS256, ES256 and their larger
   * sizes, EdDSA, Ed25519, and ML-DSA-44, ML-DSA-65 and ML-DSA-87 where the runtime has them (Node
   * 24.6 or later with OpenSSL 3.5 or later), each only with a key of its type. `none` is never
   * accepted. If `secret` is set, this option is required and must list one or more of HS256, HS384
   * and HS512, and with `dangerouslyAllowSecretWithKeys` also one or more of the others; without
   * `secret`, these three are errors.
   */
  algorithms?: readonly Algorithm[]

  /**
   * URL of the key set (RFC 7517 §5): https, or http on loopback. Default: the URL that the profile
   * knows, or `jwks_uri` in the issuer's metadata. If set, no metadata is read for keys.
   */
  jwksUri?: string

  /** Static keys, or options for fetching and caching the key set. */
  jwks?: JwksOptions

  /**
   * Secret shared with the issuer, for HS256, HS384 or HS512, which `algorithms` must list. The
   * secret must have at least as many bytes as the hash (RFC 7518 §3.2), and cannot be combined
   * with `jwksUri` or `jwks.keys`, except with `dangerouslyAllowSecretWithKeys`. Prefer public
   * keys: an API that knows the secret could issue tokens itself. A public key or a certificate is
   * an error, because every party that knows it could sign tokens.
   */
  secret?: string | Uint8Array

  /**
   * Whether tokens that are signed with `secret` are accepted in addition to tokens that are signed
   * with a key of the issuer, while the issuer migrates from the secret to keys. `algorithms` must
   * list the algorithms of both. The secret verifies only HS256, HS384 and HS512, and the keys,
   * from `jwksUri`, `jwks.keys` or the metadata, verify only the other algorithms. Every party that
   * knows the secret can still issue tokens: remove the secret when the last token signed with it
   * has expired. Logs a warning at registration. Default false.
   */
  dangerouslyAllowSecretWithKeys?: boolean

  /**
   * Introspection of tokens at the issuer (RFC 7662): of opaque tokens, or of JWTs to detect
   * revocations. Belongs to one issuer, because the option contains credentials for it.
   * Default: off.
   */
  introspection?: IntrospectionOptions

  /**
   * Whether metadata, keys and introspection may use plain http on hosts other than loopback. If
   * true, an attacker on the network path can forge tokens: set it only in development networks,
   * such as between containers. Default false.
   */
  dangerouslyAllowHttp?: boolean
}

export const ISSUER_OPTIONS = [
  'issuer',
  'audience',
  'profile',
  'dangerouslyAudienceFrom',
  'dangerouslyNoAudience',
  'dangerouslyAllowIdTokenClaims',
  'requiredClaims',
  'algorithms',
  'jwksUri',
  'jwks',
  'secret',
  'dangerouslyAllowSecretWithKeys',
  'introspection',
  'dangerouslyAllowHttp',
] as const satisfies readonly (keyof IssuerOptions)[]

const EQUIVALENTS: ReadonlyMap<string, string> = new Map([
  ['iss', '"issuer"'],
  ['uri', '"issuer"'],
  ['url', '"issuer"'],
])

/** {@link IssuerOptions} checked, with every default filled in. */
export interface ResolvedIssuer extends ExpectedAudience {
  readonly issuer: string
  readonly profile: ResolvedProfile
  readonly algorithms: ReadonlySet<Algorithm>
  readonly keys: ResolvedKeys
  /** The secret that is accepted in addition to `keys`; `undefined` if there is none. */
  readonly secretWithKeys: Uint8Array | undefined
  readonly introspection: ResolvedIntrospection | undefined
  /** The claims of the option; the profile has those of the provider as well. */
  readonly requiredClaims: readonly string[]
  /** Whether only the issuer itself can verify its tokens. */
  readonly introspectionOnly: boolean
  readonly allowHttp: boolean
}

/**
 * Validates the options of an issuer.
 *
 * @throws {TypeError} that names the option and the fix.
 */
export function resolveIssuer(input: IssuerOptions): ResolvedIssuer {
  const options = requireKnownKeys('an issuer', input, ISSUER_OPTIONS, EQUIVALENTS)
  const allowHttp = booleanOr('dangerouslyAllowHttp', options.dangerouslyAllowHttp, false)
  const algorithms = resolveAlgorithms(options)
  const keys = resolveKeys(options, allowHttp)
  const introspection =
    options.introspection === undefined
      ? undefined
      : resolveIntrospection(options.introspection, allowHttp)
  const url = requireIdentifier({
    issuer: options.issuer,
    profile: options.profile,
    allowHttp,
    isIntrospected: introspection !== undefined,
    discovered: discoveredFor(keys, introspection),
  })
  const resolvedAudience = resolveAudience(options)
  const { audience, claimsInsteadOfAudience } = resolvedAudience
  const namedProfile = resolveProfile(options.profile, url, resolvedAudience)
  const requiredClaims = claimNames('requiredClaims', options.requiredClaims ?? [])
  const profile = {
    ...namedProfile,
    requiredClaims: [...namedProfile.requiredClaims, ...requiredClaims],
    allowsIdTokenClaims: booleanOr(
      'dangerouslyAllowIdTokenClaims',
      options.dangerouslyAllowIdTokenClaims,
      namedProfile.allowsIdTokenClaims === true,
    ),
  }
  if (isTenantTemplate(options.issuer) && profile.checkKey === undefined) {
    // Without checkKey, the key of one tenant would be valid for the tokens of all tenants.
    const names = MULTI_TENANT.map(({ name }) => name).join(' or ')
    reject(
      'profile',
      `must be ${names}, or a profile that extends it, for an issuer with {tenantid}`,
    )
  }
  return Object.freeze({
    issuer: options.issuer,
    audience,
    claimsInsteadOfAudience,
    profile,
    algorithms,
    keys,
    secretWithKeys: resolveSecretWithKeys(options),
    introspection,
    requiredClaims,
    introspectionOnly: (url && providerOwning(url)?.introspectionOnly?.(url)) ?? false,
    allowHttp,
  })
}

/**
 * Returns the options that would replace the values from the issuer's metadata; an empty array if
 * no metadata is fetched.
 */
function discoveredFor(
  keys: ResolvedKeys,
  introspection: ResolvedIntrospection | undefined,
): readonly string[] {
  const discovered: string[] = []
  if (keys.from === 'remote' && keys.jwksUri === undefined) {
    discovered.push('"jwksUri", "jwks.keys" or "secret"')
  }
  if (introspection !== undefined && introspection.endpoint === undefined) {
    discovered.push('"introspection.endpoint"')
  }
  return discovered
}
