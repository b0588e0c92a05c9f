/** How an issuer is asked about its tokens (RFC 7662), and the check of what was said about it. */

import type { CryptoKey, JWK } from 'jose'
import { booleanOr, functionOrUndefined, members, numberIn, reject } from '../base/check.js'
import type { ClientCredentials } from '../http/client-authentication.js'
import type { FetchResponse } from '../http/fetch-json.js'
import { isSecureUrl } from '../http/secure-url.js'

/**
 * Introspection at an issuer. Times are in milliseconds.
 *
 * At most 60 introspection requests are in flight at once. Those about trusted tokens (confirmed by
 * the issuer before, or a JWT whose signature was verified here) go ahead of the others: 10 slots are
 * kept for them, and 10 for rechecks; 1,000 of each priority wait. What comes on top is answered with
 * 503.
 */
export interface IntrospectionOptions {
  /** What the issuer knows this API as. Required. */
  clientId: string

  /** The secret that the issuer gave to this API. Either this or `privateKey`. */
  clientSecret?: string

  /**
   * For `private_key_jwt` (RFC 7523): a private `CryptoKey` that can sign, or a private JWK that
   * names its algorithm in `alg` (and itself in `kid`).
   */
  privateKey?: CryptoKey | JWK

  /**
   * How this API proves who it is. `client_secret_basic`: HTTP Basic, id and secret form-encoded
   * first. `client_secret_post`: both in the form. `private_key_jwt`: a JWT that is valid for a
   * minute. Default: `client_secret_basic` with a secret, `private_key_jwt` with a key.
   */
  clientAuthentication?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'

  /**
   * Where the introspection endpoint is: an https URL (http on loopback). Default: what the issuer's
   * metadata says. With it, no metadata is read for introspection.
   */
  endpoint?: string

  /**
   * Which tokens the issuer is asked about. `opaque`: those that aren't JWTs. `always`: every one, as
   * a JWT that is good in itself may have been revoked. `recheck`: opaque ones, and JWTs in the
   * background, so that a revoked one is refused within about `recheckInterval` while requests come, and
   * none waits for it. Default `opaque`.
   */
  mode?: 'opaque' | 'always' | 'recheck'

  /**
   * What an opaque token of this issuer is. `true`: whatever hasn't the three or five parts of a JWT.
   * A function says it by itself, quickly, for an issuer whose opaque tokens have a form of their
   * own, or where several issuers have opaque tokens. `false`: there are none, and they are refused
   * unasked. Default `true`.
   */
  opaqueTokens?: boolean | ((token: string) => boolean)

  /**
   * Ask for signed answers and take no others (RFC 9701). They are verified with the issuer's keys
   * and must be meant for `clientId` or the API's `audience`. Default false.
   */
  requireSignedResponse?: boolean

  /**
   * How long an active token isn't asked about again: a revoked one is taken that much longer. Never
   * past its `exp`. 0: it is asked about for each request, those at the same moment together. Default
   * 30,000; up to 3,600,000 (an hour).
   */
  cacheMaxAge?: number

  /** The same for a token that isn't active. Default 5,000; up to 60,000. */
  negativeCacheMaxAge?: number

  /**
   * How many active, how many other and how many rechecked tokens are remembered, each. Default
   * 10,000; from 1 to 1,000,000.
   */
  maxEntries?: number

  /**
   * How many bytes the answers about active tokens may take, and as many again for rechecked tokens.
   * An estimate. Default 33,554,432 (32 MiB); from 65,536.
   */
  maxBytes?: number

  /**
   * How much longer than `cacheMaxAge` the answer about an active token may be used while the issuer can't
   * be asked, or gives no verdict. A token that was revoked meanwhile is taken. Never past `exp`.
   * Default 0; up to 3,600,000 (an hour).
   */
  staleIfError?: number

  /**
   * With `mode: 'recheck'`: from one question about a token to the next. Default 60,000; from 1,000
   * to 3,600,000 (an hour).
   */
  recheckInterval?: number

  /**
   * With `mode: 'recheck'`: how long a JWT passes while its rechecks get no answer, from the first one
   * that gets none. Then it is answered with 503 until the issuer answers. A token that was revoked
   * passes for that long at worst. Default five times `recheckInterval`; from 0 to 86,400,000 (a day).
   */
  recheckStaleIfError?: number

  /**
   * How many untrusted tokens the issuer is asked about a second: those that it never confirmed, and
   * whose signature isn't verified here. Bursts of one second's worth are permitted, and the rest
   * waits for its turn. Choose more if more clients than that may come back at once after a restart.
   * Default 200; from 1 to 100,000.
   */
  untrustedPerSecond?: number

  /**
   * For one exchange, the reading of metadata included; a question waits for its turn at most that
   * long as well. Default 5,000; from 100 to 60,000.
   */
  timeout?: number

  /** In place of the platform's `fetch`, for instance one that goes through a proxy. */
  fetch?: IntrospectionFetch
}

export const INTROSPECTION_OPTIONS = [
  'clientId',
  'clientSecret',
  'privateKey',
  'clientAuthentication',
  'endpoint',
  'mode',
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

/** Which opaque tokens the issuer may have issued: any, none, or those for which the function is true. */
export type OpaqueTokens = 'any' | 'none' | ((token: string) => boolean)

/** {@link IntrospectionOptions} checked, with every default filled in. */
export interface ResolvedIntrospection {
  readonly client: Readonly<ClientCredentials>
  readonly endpoint: string | undefined
  readonly mode: 'opaque' | 'always' | 'recheck'
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

const HOUR = 3_600_000
const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const
const MODES = ['opaque', 'always', 'recheck'] as const

/**
 * @param allowHttp whether the endpoint may be asked over plain http beyond loopback.
 * @throws {TypeError} that names the option and the fix.
 */
export function resolveIntrospection(
  given: IntrospectionOptions,
  allowHttp: boolean,
): ResolvedIntrospection {
  const options = members(
    'introspection',
    given,
    INTROSPECTION_OPTIONS,
    'must be an object with clientId, and clientSecret or privateKey: the issuer answers clients ' +
      'that it knows only',
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
  const recheckInterval = number('recheckInterval', 60_000, [1_000, HOUR])
  return Object.freeze({
    client: resolveClient(options),
    endpoint: resolveEndpoint(options.endpoint, allowHttp),
    mode,
    opaqueTokens: resolveOpaqueTokens(options.opaqueTokens, mode),
    requireSignedResponse: booleanOr(
      'introspection.requireSignedResponse',
      options.requireSignedResponse,
      false,
    ),
    cacheMaxAge: number('cacheMaxAge', 30_000, [0, HOUR]),
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
    staleIfError: number('staleIfError', 0, [0, HOUR]),
    recheckInterval,
    recheckStaleIfError: number('recheckStaleIfError', 5 * recheckInterval, [0, 24 * HOUR]),
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

function resolveClient(options: IntrospectionOptions): Readonly<ClientCredentials> {
  const { clientId, clientSecret, privateKey, clientAuthentication } = options
  requireText('clientId', clientId, 'the id that the issuer gave to this API')
  if (clientSecret !== undefined)
    requireText('clientSecret', clientSecret, 'the secret of the client')
  if ((clientSecret === undefined) === (privateKey === undefined)) {
    throw new TypeError(
      'either "introspection.clientSecret" or "introspection.privateKey" must be given: the issuer answers clients that it knows only (RFC 7662 §2.1)',
    )
  }
  const method =
    clientAuthentication ??
    (clientSecret === undefined ? ('private_key_jwt' as const) : ('client_secret_basic' as const))
  if (!METHODS.includes(method)) {
    reject('introspection.clientAuthentication', `must be one of ${METHODS.join(', ')}`)
  }
  if ((method === 'private_key_jwt') !== (privateKey !== undefined)) {
    const needed = privateKey === undefined ? 'privateKey' : 'clientSecret'
    reject(
      'introspection.clientAuthentication',
      `is ${method}, which needs "introspection.${needed}": give that, or choose another method`,
    )
  }
  return Object.freeze({ clientId, clientSecret, privateKey, clientAuthentication: method })
}

function requireText(name: string, value: unknown, what: string): void {
  if (typeof value === 'string' && value !== '') return
  reject(`introspection.${name}`, `must be a string: ${what}`)
}

function resolveEndpoint(endpoint: unknown, allowHttp: boolean): string | undefined {
  if (endpoint === undefined) return undefined
  const usable =
    typeof endpoint === 'string' &&
    !endpoint.includes('#') &&
    isSecureUrl(endpoint, { allowHttp, mayBeLoopback: true })
  if (usable) return endpoint
  return reject(
    'introspection.endpoint',
    'must be an https URL (http on loopback only) without credentials and fragment',
  )
}

function resolveMode({ mode = 'opaque', ...options }: IntrospectionOptions) {
  if (!MODES.includes(mode)) reject('introspection.mode', `must be one of ${MODES.join(', ')}`)
  for (const name of ['recheckInterval', 'recheckStaleIfError'] as const) {
    if (options[name] === undefined || mode === 'recheck') continue
    reject(`introspection.${name}`, 'needs "introspection.mode" to be recheck')
  }
  return mode
}

function resolveOpaqueTokens(opaqueTokens: unknown, mode: string): OpaqueTokens {
  if (typeof opaqueTokens === 'function') return opaqueTokens as (token: string) => boolean
  const accepted = booleanOr('introspection.opaqueTokens', opaqueTokens, true)
  if (accepted) return 'any'
  if (mode === 'opaque') {
    reject(
      'introspection.opaqueTokens',
      'is false, so that nothing is introspected: choose "introspection.mode" always or recheck, or leave "introspection" out',
    )
  }
  return 'none'
}

/** The part of the platform's `fetch` that introspection uses, so that one of yours can stand in. */
export type IntrospectionFetch = (
  url: string,
  init: {
    /** GET for metadata, POST for a question. */
    method: 'GET' | 'POST'
    headers: Record<string, string>
    /** Form-encoded. It holds the token: never log it. */
    body?: URLSearchParams
    redirect: 'manual'
    signal: AbortSignal
  },
) => Promise<FetchResponse>
