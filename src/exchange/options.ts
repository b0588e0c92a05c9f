/** Defines and validates the options of `createTokenExchanger`. */

import type { CryptoKey, JWK } from 'jose'
import { isAsymmetric } from '../base/algorithms.js'
import {
  booleanOr,
  functionOrUndefined,
  isPlainObject,
  numberIn,
  oneOf,
  ownMember,
  reject,
  requireKnownKeys,
  strings,
} from '../base/check.js'
import type { ClientCredentials } from '../http/client-authentication.js'
import { resolveClientOption } from '../http/client-option.js'
import type { FetchResponse } from '../http/fetch.js'
import { isSecureUrl, resolveEndpointOption } from '../http/secure-url.js'

/**
 * Options of {@link createTokenExchanger}. Times are in whole milliseconds.
 *
 * @example
 * ```ts
 * const exchanger = await createTokenExchanger({
 *   issuer,
 *   clientId: 'orders-api',
 *   clientSecret: await readSecret('exchange'),
 * })
 * app.addHook('onClose', () => exchanger.close())
 * ```
 */
export interface TokenExchangerOptions {
  /**
   * The issuer identifier of the authorization server, from whose metadata the token endpoint is
   * discovered (RFC 8414). https, or http on a loopback address. Either this or `tokenEndpoint` is
   * required; with both, no metadata is fetched.
   */
  issuer?: string

  /** URL of the token endpoint: https (http on loopback only), without credentials or fragment. */
  tokenEndpoint?: string

  /**
   * The issuers whose access tokens may be exchanged. A token of another issuer is never sent to
   * this authorization server. Default: `issuer`. Required with `tokenEndpoint` alone.
   */
  subjectIssuers?: string | readonly string[]

  /**
   * The grant. `rfc8693`: token exchange. `entra`: the on-behalf-of flow of Microsoft Entra ID, which
   * requires `scope` and has no audience, resource or actor token. Default `rfc8693`.
   */
  protocol?: 'rfc8693' | 'entra'

  /** The client ID of this API at the authorization server. Required. */
  clientId: string

  /** The client secret of this API. Either this or `privateKey` is required. */
  clientSecret?: string

  /**
   * The key for `private_key_jwt` (RFC 7523): a private `CryptoKey` with the usage `sign`, or a
   * private JWK with its algorithm in `alg`. Either this or `clientSecret` is required.
   */
  privateKey?: CryptoKey | JWK

  /**
   * How this API authenticates. `private_key_jwt_untyped` omits `typ` in the signed JWT, for an
   * issuer that rejects `client-authentication+jwt`. Default: `client_secret_basic` with
   * `clientSecret`, `private_key_jwt` with `privateKey`.
   */
  clientAuthentication?:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
    | 'private_key_jwt_untyped'

  /**
   * Requests tokens that are bound to a key of this API (RFC 9449): `true` generates an ES256 key;
   * a private JWK with its algorithm in `alg` is a key that you keep. The server must then issue
   * DPoP tokens. Default: bearer tokens are requested, and required.
   */
  dpop?: boolean | JWK

  /**
   * Whether sender-constrained tokens of clients (`cnf`) may be exchanged. The issued token is not
   * bound to the client's key: it is a bearer token, or bound to the key of `dpop`. Default false.
   */
  dangerouslyAllowBoundTokens?: boolean

  /**
   * How long before its expiry a cached token is no longer used, so that it is still valid when the
   * downstream API receives it. A token with a shorter lifetime is not cached. Default 30,000; 0 to
   * 3,600,000 (an hour).
   */
  expiryMargin?: number

  /**
   * How long an error of the authorization server is cached for a subject token and the same
   * request. Default 1,000; 0 to 60,000.
   */
  negativeCacheMaxAge?: number

  /** Maximum number of cached tokens, and of cached errors. Default 10,000; 1 to 1,000,000. */
  maxEntries?: number

  /**
   * Maximum estimated size in bytes of the cached tokens. Default 33,554,432 (32 MiB); 65,536 to
   * 1,099,511,627,776 (1 TiB).
   */
  maxBytes?: number

  /**
   * Maximum number of requests in flight. Up to 1,000 more are queued, each for at most `timeout`.
   * Default 50; 1 to 1,000.
   */
  maxInFlight?: number

  /** Timeout of one exchange, including discovery. Default 5,000; 100 to 60,000. */
  timeout?: number

  /** Replaces the platform's `fetch`, for example to use a proxy. */
  fetch?: TokenExchangeFetch

  /** Accepts http URLs on hosts other than loopback: only for development. Default false. */
  dangerouslyAllowHttp?: boolean

  /** Returns the current time, in milliseconds since the epoch. Default `Date.now`. */
  now?: () => number
}

/** The part of the platform's `fetch` that the exchanger uses; a replacement needs no more. */
export type TokenExchangeFetch = (
  url: string,
  init: {
    /** GET for metadata, POST for token requests. */
    method: 'GET' | 'POST'
    headers: Record<string, string>
    /** The token request, form-encoded. Contains tokens and credentials: never log it. */
    body?: URLSearchParams
    redirect: 'manual'
    signal: AbortSignal
  },
) => Promise<FetchResponse>

export const EXCHANGER_OPTIONS = [
  'issuer',
  'tokenEndpoint',
  'subjectIssuers',
  'protocol',
  'clientId',
  'clientSecret',
  'privateKey',
  'clientAuthentication',
  'dpop',
  'dangerouslyAllowBoundTokens',
  'expiryMargin',
  'negativeCacheMaxAge',
  'maxEntries',
  'maxBytes',
  'maxInFlight',
  'timeout',
  'fetch',
  'dangerouslyAllowHttp',
  'now',
] as const satisfies readonly (keyof TokenExchangerOptions)[]

/** Validated {@link TokenExchangerOptions} with all defaults. */
export interface ResolvedExchanger {
  readonly issuer: string | undefined
  readonly tokenEndpoint: string | undefined
  /** The issuer, or else the token endpoint: names the server in messages. */
  readonly server: string
  readonly subjectIssuers: ReadonlySet<string>
  readonly protocol: 'rfc8693' | 'entra'
  readonly client: Readonly<ClientCredentials>
  readonly dpop: boolean | JWK
  readonly allowBoundTokens: boolean
  readonly expiryMargin: number
  readonly negativeCacheMaxAge: number
  readonly maxEntries: number
  readonly maxBytes: number
  readonly maxInFlight: number
  readonly timeout: number
  readonly fetch: TokenExchangeFetch
  readonly allowHttp: boolean
  readonly now: () => number
}

const PROTOCOLS = ['rfc8693', 'entra'] as const
const TIMES = {
  expiryMargin: [30_000, 0, 3_600_000],
  negativeCacheMaxAge: [1_000, 0, 60_000],
  timeout: [5_000, 100, 60_000],
} as const

/** @throws {TypeError} if an option is invalid; the message names the option and the fix. */
export function resolveExchanger(given: TokenExchangerOptions): ResolvedExchanger {
  const options = requireKnownKeys('createTokenExchanger', given, EXCHANGER_OPTIONS)
  const allowHttp = booleanOr('dangerouslyAllowHttp', options.dangerouslyAllowHttp, false)
  const issuer = resolveIssuer(options.issuer, allowHttp)
  const tokenEndpoint = resolveEndpointOption('tokenEndpoint', options.tokenEndpoint, allowHttp)
  const server = issuer ?? tokenEndpoint
  if (server === undefined) {
    throw new TypeError('set "issuer" or "tokenEndpoint": the authorization server is unknown')
  }
  const { protocol = 'rfc8693' } = options
  oneOf('protocol', protocol, PROTOCOLS)
  const time = (name: keyof typeof TIMES) => {
    const [fallback, minimum, maximum] = TIMES[name]
    return numberIn(name, options[name] ?? fallback, { minimum, maximum, unit: 'milliseconds' })
  }
  return Object.freeze({
    issuer,
    tokenEndpoint,
    server,
    subjectIssuers: resolveSubjectIssuers(options.subjectIssuers, issuer),
    protocol,
    client: resolveClientOption(
      options,
      '',
      'a token exchange requires client authentication (RFC 8693 §5)',
    ),
    dpop: resolveDPoP(options.dpop),
    allowBoundTokens: booleanOr(
      'dangerouslyAllowBoundTokens',
      options.dangerouslyAllowBoundTokens,
      false,
    ),
    expiryMargin: time('expiryMargin'),
    negativeCacheMaxAge: time('negativeCacheMaxAge'),
    timeout: time('timeout'),
    maxEntries: numberIn('maxEntries', options.maxEntries ?? 10_000, {
      minimum: 1,
      maximum: 1_000_000,
      unit: 'tokens',
    }),
    maxBytes: numberIn('maxBytes', options.maxBytes ?? 33_554_432, {
      minimum: 65_536,
      maximum: 2 ** 40,
      unit: 'bytes',
    }),
    maxInFlight: numberIn('maxInFlight', options.maxInFlight ?? 50, {
      minimum: 1,
      maximum: 1_000,
      unit: 'requests',
    }),
    fetch: functionOrUndefined('fetch', options.fetch) ?? ((url, init) => fetch(url, init)),
    allowHttp,
    now: functionOrUndefined('now', options.now) ?? (() => Date.now()),
  })
}

function resolveIssuer(issuer: unknown, allowHttp: boolean): string | undefined {
  if (issuer === undefined) return undefined
  const usable =
    typeof issuer === 'string' &&
    !/[?#]/.test(issuer) &&
    isSecureUrl(issuer, { allowHttp, mayBeLoopback: true })
  if (usable) return issuer
  return reject(
    'issuer',
    'must be an https URL (http on loopback only) without credentials, query or fragment (RFC 8414 §2)',
  )
}

function resolveSubjectIssuers(
  subjectIssuers: unknown,
  issuer: string | undefined,
): ReadonlySet<string> {
  if (subjectIssuers !== undefined) {
    return new Set(strings('subjectIssuers', subjectIssuers, 'issuer identifiers'))
  }
  if (issuer !== undefined) return new Set([issuer])
  throw new TypeError(
    'set "subjectIssuers" or "issuer": with "tokenEndpoint" alone, the exchanger does not know whose tokens it may send there',
  )
}

function resolveDPoP(dpop: unknown): boolean | JWK {
  if (dpop === undefined || typeof dpop === 'boolean') return dpop ?? false
  const isKey =
    isPlainObject(dpop) &&
    isAsymmetric(ownMember(dpop, 'alg')) &&
    typeof ownMember(dpop, 'd') === 'string'
  return isKey
    ? (dpop as JWK)
    : reject('dpop', 'must be true, false, or a private JWK whose "alg" is asymmetric')
}
