/** Defines and validates the option `introspection` (RFC 7662). */

import type { CryptoKey, JWK } from 'jose'
import { booleanOr, functionOrUndefined, members, numberIn, oneOf, reject } from '../base/check.js'
import type { ClientCredentials } from '../http/client-authentication.js'
import { resolveClientOption } from '../http/client-option.js'
import type { FetchResponse } from '../http/fetch.js'
import { resolveEndpointOption } from '../http/secure-url.js'

/**
 * Introspection at an issuer (RFC 7662). Times are in whole milliseconds.
 *
 * At most 60 introspection requests are in flight, plus health probes. Trusted tokens (confirmed by
 * the issuer before, or JWTs whose signature was verified here) have priority: 10 slots are
 * reserved for them, and 10 more for them and for rechecks. Up to 1,000 tokens of each priority are
 * queued; further requests get a 503, and further rechecks are retried later.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   introspection: {
 *     clientId: 'orders-api',
 *     clientSecret: await readSecret('introspection'),
 *     mode: 'recheck',
 *   },
 * })
 * ```
 */
export interface IntrospectionOptions {
  /** The client ID of this API at the issuer. Required. */
  clientId: string

  /** The client secret of this API at the issuer. Either this or `privateKey` is required. */
  clientSecret?: string

  /**
   * The key for `private_key_jwt` (RFC 7523): a private `CryptoKey` with the usage `sign`, or a
   * private JWK with its algorithm in `alg` (and its key ID in `kid`, if it has one). Either this
   * or `clientSecret` is required.
   */
  privateKey?: CryptoKey | JWK

  /**
   * How this API authenticates to the issuer. `client_secret_basic`: HTTP Basic with the client ID
   * and the secret, both form-encoded (RFC 6749 §2.3.1). `client_secret_post`: client ID and secret
   * in the request body. `private_key_jwt`: a JWT signed with `privateKey`, valid for one minute,
   * with the issuer identifier as `aud` and `client-authentication+jwt` as `typ`.
   * `private_key_jwt_untyped`: the same without `typ`, for an issuer that rejects this `typ`.
   * Default: `client_secret_basic` with `clientSecret`, `private_key_jwt` with `privateKey`.
   */
  clientAuthentication?:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
    | 'private_key_jwt_untyped'

  /**
   * URL of the introspection endpoint: https (http on loopback only), without credentials or
   * fragment. If set, no metadata is fetched for introspection. Default: `introspection_endpoint`
   * in the issuer's metadata (RFC 8414 §2).
   */
  endpoint?: string

  /**
   * Which tokens are introspected. `opaque`: tokens that are not JWTs. `always`: every token,
   * because a valid JWT may have been revoked. `recheck`: opaque tokens, and JWTs in the
   * background: a revoked JWT that is in use is rejected after about `recheckInterval`, and no
   * request waits for the recheck. Default `opaque`.
   */
  mode?: 'opaque' | 'always' | 'recheck'

  /**
   * The claims of an introspected JWT. `token`: those of the JWT. `merge`: in addition, the members
   * of the introspection response that are claims and that the JWT lacks. A claim of the JWT is
   * never replaced. For JWTs with few claims, such as Keycloak's lightweight access tokens. `merge`
   * is allowed only if `mode` is `always`. Default `token`.
   */
  claims?: 'token' | 'merge'

  /**
   * Which opaque tokens this issuer may have issued. `true`: every token without the three or five
   * parts of a JWT. A function: the tokens for which it returns true. Use a function if the opaque
   * tokens have a recognizable format, or if several issuers issue opaque tokens. The function must
   * be fast and must not return a promise. `false`: none, so that opaque tokens are rejected
   * without introspection. Default `true`.
   */
  opaqueTokens?: boolean | ((token: string) => boolean)

  /**
   * Whether only signed responses are requested and accepted (RFC 9701). A signed response is
   * verified with the issuer's keys, and its `aud` must contain `clientId` or the API's `audience`.
   * Default false.
   */
  requireSignedResponse?: boolean

  /**
   * Lifetime of a cached "active" response, in milliseconds; a revoked token may be accepted for
   * that long. No response is used past its `exp`. 0 disables caching (concurrent requests with one
   * token still share one introspection request). Default 30,000; 0 to 3,600,000 (an hour).
   */
  cacheMaxAge?: number

  /** Lifetime of a cached "inactive" response, in milliseconds. Default 5,000; 0 to 60,000. */
  negativeCacheMaxAge?: number

  /**
   * Maximum number of entries in each cache: "active" responses, inactive or failed tokens,
   * rechecked tokens, and rechecked tokens that are revoked. Default 10,000; 1 to 1,000,000.
   */
  maxEntries?: number

  /**
   * Maximum estimated size in bytes of the cache of "active" responses, and also of the cache of
   * rechecked tokens. Default 33,554,432 (32 MiB); 65,536 to 1,099,511,627,776 (1 TiB).
   */
  maxBytes?: number

  /**
   * How long past `cacheMaxAge` an "active" response may be used while introspection fails, in
   * milliseconds; a token that was revoked meanwhile is accepted for that long. No response is used
   * past its `exp`. Default 0; 0 to 3,600,000 (an hour).
   */
  staleIfError?: number

  /**
   * Interval between two rechecks of a token, in milliseconds. Allowed only if `mode` is `recheck`.
   * Default 60,000; 1,000 to 3,600,000 (an hour).
   */
  recheckInterval?: number

  /**
   * How long a JWT is accepted while its rechecks fail, in milliseconds from the start of the first
   * failed recheck. After that time, requests with the JWT get a 503 until a recheck confirms it. A
   * JWT that was revoked meanwhile is accepted for at most that long, or for `timeout` if `timeout`
   * is longer. Allowed only if `mode` is `recheck`. Default five times `recheckInterval`; 0 to
   * 86,400,000 (a day).
   */
  recheckStaleIfError?: number

  /**
   * Maximum number of untrusted tokens introspected per second, and in one burst; further tokens
   * are queued. A token is untrusted if the issuer has not confirmed it and its signature was not
   * verified here. Raise the limit if more clients may send tokens in the first second after a
   * restart. Default 200; 1 to 100,000.
   */
  untrustedPerSecond?: number

  /**
   * Timeout of one introspection request including discovery, in milliseconds; also the maximum
   * time for which a token is queued. Default 5,000; 100 to 60,000.
   */
  timeout?: number

  /** Replaces the platform's `fetch`, for example to use a proxy. */
  fetch?: IntrospectionFetch
}

export const INTROSPECTION_OPTIONS = [
  'clientId',
  'clientSecret',
  'privateKey',
  'clientAuthentication',
  'endpoint',
  'mode',
  'claims',
  'opaqueTokens',
  'requireSignedResponse',
  'cacheMaxAge',
  'negativeCacheMaxAge',
  'maxEntries',
  'maxBytes',
  'staleIfError',
  'recheckInterval',
  'recheckStaleIfError',
  'untrustedPerSecond',
  'timeout',
  'fetch',
] as const satisfies readonly (keyof IntrospectionOptions)[]

/** Which opaque tokens the issuer may have issued. A function returns true for such tokens. */
export type OpaqueTokens = 'any' | 'none' | ((token: string) => boolean)

/** Validated {@link IntrospectionOptions} with all defaults. */
export interface ResolvedIntrospection {
  readonly client: Readonly<ClientCredentials>
  readonly endpoint: string | undefined
  readonly mode: 'opaque' | 'always' | 'recheck'
  readonly claims: 'token' | 'merge'
  readonly opaqueTokens: OpaqueTokens
  readonly requireSignedResponse: boolean
  readonly cacheMaxAge: number
  readonly negativeCacheMaxAge: number
  readonly maxEntries: number
  readonly maxBytes: number
  readonly staleIfError: number
  readonly recheckInterval: number
  readonly recheckStaleIfError: number
  readonly untrustedPerSecond: number
  readonly timeout: number
  readonly fetch: IntrospectionFetch
}

const EQUIVALENTS: ReadonlyMap<string, string> = new Map([
  ['secret', '"clientSecret"'],
  ['uri', '"endpoint"'],
  ['url', '"endpoint"'],
])

const HOUR_MS = 3_600_000
const MODES = ['opaque', 'always', 'recheck'] as const
const CLAIMS = ['token', 'merge'] as const

/**
 * @param allowHttp whether the endpoint may be plain http on hosts other than loopback.
 * @throws {TypeError} if an option is invalid; the message names the option and the fix.
 */
export function resolveIntrospection(
  given: IntrospectionOptions,
  allowHttp: boolean,
): ResolvedIntrospection {
  const options = members(
    'introspection',
    given,
    INTROSPECTION_OPTIONS,
    'must be an object with clientId, and clientSecret or privateKey: introspection requires ' +
      'client authentication',
    EQUIVALENTS,
  )
  const number = (
    name:
      | 'cacheMaxAge'
      | 'negativeCacheMaxAge'
      | 'staleIfError'
      | 'recheckInterval'
      | 'recheckStaleIfError'
      | 'timeout',
    fallback: number,
    [minimum, maximum]: readonly [number, number],
  ) =>
    numberIn(`introspection.${name}`, options[name] ?? fallback, {
      minimum,
      maximum,
      unit: 'milliseconds',
    })
  const mode = resolveMode(options)
  const recheckInterval = number('recheckInterval', 60_000, [1_000, HOUR_MS])
  return Object.freeze({
    client: resolveClientOption(
      options,
      'introspection.',
      'introspection requires client authentication (RFC 7662 §2.1)',
    ),
    endpoint: resolveEndpointOption('introspection.endpoint', options.endpoint, allowHttp),
    mode,
    claims: resolveClaims(options.claims, mode),
    opaqueTokens: resolveOpaqueTokens(options.opaqueTokens, mode),
    requireSignedResponse: booleanOr(
      'introspection.requireSignedResponse',
      options.requireSignedResponse,
      false,
    ),
    cacheMaxAge: number('cacheMaxAge', 30_000, [0, HOUR_MS]),
    negativeCacheMaxAge: number('negativeCacheMaxAge', 5_000, [0, 60_000]),
    maxEntries: numberIn('introspection.maxEntries', options.maxEntries ?? 10_000, {
      minimum: 1,
      maximum: 1_000_000,
      unit: 'tokens',
    }),
    maxBytes: numberIn('introspection.maxBytes', options.maxBytes ?? 33_554_432, {
      minimum: 65_536,
      maximum: 2 ** 40,
      unit: 'bytes',
    }),
    staleIfError: number('staleIfError', 0, [0, HOUR_MS]),
    recheckInterval,
    recheckStaleIfError: number('recheckStaleIfError', 5 * recheckInterval, [0, 24 * HOUR_MS]),
    untrustedPerSecond: numberIn(
      'introspection.untrustedPerSecond',
      options.untrustedPerSecond ?? 200,
      { minimum: 1, maximum: 100_000, unit: 'tokens' },
    ),
    timeout: number('timeout', 5_000, [100, 60_000]),
    fetch:
      functionOrUndefined('introspection.fetch', options.fetch) ??
      ((url, init) => fetch(url, init)),
  })
}

function resolveMode({ mode = 'opaque', ...options }: IntrospectionOptions) {
  oneOf('introspection.mode', mode, MODES)
  for (const name of ['recheckInterval', 'recheckStaleIfError'] as const) {
    if (options[name] === undefined || mode === 'recheck') continue
    reject(`introspection.${name}`, 'requires "introspection.mode" to be recheck')
  }
  return mode
}

function resolveClaims(claims: ResolvedIntrospection['claims'] = 'token', mode: string) {
  oneOf('introspection.claims', claims, CLAIMS)
  if (claims === 'merge' && mode !== 'always') {
    reject(
      'introspection.claims',
      'is merge, which requires "introspection.mode" to be always: in the other modes, no request with a JWT waits for the response',
    )
  }
  return claims
}

function resolveOpaqueTokens(opaqueTokens: unknown, mode: string): OpaqueTokens {
  if (typeof opaqueTokens === 'function') return opaqueTokens as (token: string) => boolean
  if (opaqueTokens === undefined || opaqueTokens === true) return 'any'
  if (opaqueTokens !== false) {
    reject('introspection.opaqueTokens', 'must be true, false or a function')
  }
  if (mode === 'opaque') {
    reject(
      'introspection.opaqueTokens',
      'is false, so nothing is introspected: set "introspection.mode" to always or recheck, or omit "introspection"',
    )
  }
  return 'none'
}

/** The part of `fetch` that introspection uses, and that a replacement must implement. */
export type IntrospectionFetch = (
  url: string,
  init: {
    /** GET for metadata, POST for introspection. */
    method: 'GET' | 'POST'
    headers: Record<string, string>
    /** The introspection request, form-encoded. Contains the token: never log it. */
    body?: URLSearchParams
    redirect: 'manual'
    signal: AbortSignal
  },
) => Promise<FetchResponse>
