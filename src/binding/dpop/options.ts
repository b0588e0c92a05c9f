/** Defines and validates the option `dpop` (RFC 9449). */

import { types } from 'node:util'
import {
  ASYMMETRIC_ALGORITHMS,
  type AsymmetricAlgorithm,
  isAsymmetric,
  PROOF_ALGORITHMS,
  runtimeHint,
} from '../../base/algorithms.js'
import { canParseUrl } from '../../base/can-parse-url.js'
import { elementsOf, members, numberIn, reject, strings } from '../../base/check.js'

/**
 * Options for access tokens that are bound to a client's key (RFC 9449 §7).
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   dpop: { mode: 'required', baseUrl: 'https://api.example.com', maxProofAge: 30 },
 * })
 * ```
 */
export interface DPoPOptions {
  /**
   * `'allowed'` requires a DPoP proof for key-bound tokens, and accepts other tokens without one.
   * `'required'` accepts only key-bound tokens. A route overrides the mode with `config.auth.dpop`.
   * Default `'allowed'`.
   */
  mode?: 'allowed' | 'required'

  /**
   * Public URL of this server, such as `https://api.example.com`, or an array of public URLs. If
   * a proxy strips a path prefix, the URL must include that prefix: `htu` must equal one of the
   * URLs plus `request.url` without its query (RFC 9449 §4.3). If any route of the server has
   * `constraints.host`, a URL counts only if its host equals the request's `Host`, on every route.
   * Must be an http or https URL without credentials, a query or empty path segments. Default: the
   * URL in `X-Forwarded-Host` and `X-Forwarded-Proto` if Fastify's `trustProxy` trusts the sender,
   * or the local address of a loopback connection. The default never comes from a `Host` that the
   * caller sent.
   */
  baseUrl?: string | readonly string[]

  /**
   * Signature algorithms accepted for proofs. Default: every asymmetric algorithm except ES384 and
   * ES512, whose proofs cost 0.5 and 1.2 ms of CPU time each, compared to 0.06 ms for ES256, and
   * except ML-DSA, whose proofs take 6,000 to 11,300 of the 16,384 bytes that Node accepts for all
   * headers.
   */
  algorithms?: readonly AsymmetricAlgorithm[]

  /**
   * Maximum time since the `iat` of a proof, in whole seconds; `clockTolerance` is added. Default
   * 60; 1 to 3,600. RFC 9449 §11.1.
   */
  maxProofAge?: number

  /** Requires a nonce from this API in each proof (RFC 9449 §9). Default: proofs need no nonce. */
  nonce?: DPoPNonceOptions

  /** Options for the replay cache, which rejects used proofs (RFC 9449 §11.1). */
  replay?: DPoPReplayOptions
}

/**
 * Options for nonces, which this API provides and requires in proofs (RFC 9449 §9).
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   dpop: { nonce: { secret: await readSecret('dpop-nonce'), lifetime: 600 } },
 * })
 * ```
 */
export interface DPoPNonceOptions {
  /**
   * Secret from which nonces are derived: at least 32 random bytes, the same on every instance. An
   * array allows a rotation: new nonces are derived from the first secret, and nonces that were
   * derived from any of the secrets are accepted. A string counts as its UTF-8 bytes.
   */
  secret: string | Uint8Array | readonly (string | Uint8Array)[]

  /**
   * Period in which all clients get the same nonce, in whole seconds. The nonce is accepted in that
   * period and the next. Default 300; 10 to 86,400.
   */
  lifetime?: number
}

/**
 * Options for the replay cache, which rejects used proofs (RFC 9449 §11.1).
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   dpop: { replay: { maxEntries: 100_000, maxEntriesPerKey: 1_000 } },
 * })
 * ```
 */
export interface DPoPReplayOptions {
  /**
   * Maximum number of unexpired entries in this process. Beyond that number, a request with a new
   * proof gets a 503, because evicting an entry would allow a replay; with `whenUnavailable:
   * 'dangerouslyAccept'`, the proof is accepted without being recorded. Not used with
   * `stores.replay`, which has its own limit. Default 1,000,000; 1,000 to 10,000,000.
   */
  maxEntries?: number

  /**
   * Maximum number of unexpired entries that this process adds for one client key, in its memory or
   * in `stores.replay`. Beyond that number, requests with that key get a 503; other clients are
   * unaffected. Default: a tenth of `maxEntries`; 100 to 10,000,000.
   */
  maxEntriesPerKey?: number

  /**
   * How a request with a DPoP proof is handled while `stores.replay` is unavailable or `maxEntries`
   * is reached. `'reject'` responds with a 503. `'dangerouslyAccept'` skips the replay check: a
   * replayed proof is accepted until it is older than `maxProofAge` plus `clockTolerance`. Default
   * `'reject'`.
   */
  whenUnavailable?: 'reject' | 'dangerouslyAccept'
}

/** {@link DPoPOptions} validated, with every default filled in. */
export interface ResolvedDPoP {
  readonly mode: 'allowed' | 'required'
  readonly baseUrls: readonly string[]
  readonly algorithms: ReadonlySet<AsymmetricAlgorithm>
  readonly maxProofAge: number
  readonly nonce: { readonly secrets: readonly Uint8Array[]; readonly lifetime: number } | undefined
  readonly replay: Readonly<Required<DPoPReplayOptions>>
}

/** The option `dpop`: `false` for off, a mode (see {@link DPoPOptions.mode}), or all options. */
export type DPoPOption = false | 'allowed' | 'required' | DPoPOptions

const KEYS = [
  'mode',
  'baseUrl',
  'algorithms',
  'maxProofAge',
  'nonce',
  'replay',
] as const satisfies readonly (keyof DPoPOptions)[]

/**
 * Validates the option `dpop`.
 *
 * @returns `undefined` if the option is off.
 * @throws {TypeError} if the option is invalid; the message names the option and the fix.
 */
export function resolveDPoP(option: DPoPOption = false): ResolvedDPoP | undefined {
  if (option === false) return undefined
  const options = members(
    'dpop',
    isMode(option) ? { mode: option } : option,
    KEYS,
    "must be 'allowed' (bearer tokens as well), 'required' (tokens with a proof only), false, or an " +
      "object such as { mode: 'required' }",
  )
  const { mode = 'allowed', algorithms = PROOF_ALGORITHMS } = options
  if (!isMode(mode)) return reject('dpop.mode', "must be 'allowed' or 'required'")
  return Object.freeze({
    mode,
    baseUrls: resolveBaseUrls(options.baseUrl),
    algorithms: resolveAlgorithms(algorithms),
    maxProofAge: numberIn('dpop.maxProofAge', options.maxProofAge ?? 60, {
      minimum: 1,
      maximum: 3_600,
      unit: 'seconds',
    }),
    nonce: options.nonce === undefined ? undefined : resolveNonce(options.nonce),
    replay: resolveReplay(options.replay),
  })
}

function isMode(value: unknown): value is 'allowed' | 'required' {
  return value === 'allowed' || value === 'required'
}

/**
 * Returns the URLs as clients write them in `htu`: in ASCII, with a lower-case host, without a
 * default port or a trailing slash.
 */
function resolveBaseUrls(value: unknown): readonly string[] {
  if (value === undefined) return []
  return strings('dpop.baseUrl', value, 'the public URL of this server').map((text) => {
    const url = canParseUrl(text) && !/[?#\s\\]/.test(text) ? new URL(text) : undefined
    const base = `${url?.origin}${url?.pathname.replace(/\/$/, '')}`
    const hasNoCredentials = `${url?.username}${url?.password}` === ''
    if (hasNoCredentials && BASE_URL.test(base)) return base
    return reject(
      'dpop.baseUrl',
      'must be an http or https URL of one host, without credentials, a query or empty path ' +
        'segments, such as https://api.example.com',
    )
  })
}

const BASE_URL = /^https?:\/\/[\w.:[\]-]+(?:\/(?:[^%/]|%[0-9a-f]{2})+)*$/i

function resolveAlgorithms(value: unknown): ReadonlySet<AsymmetricAlgorithm> {
  const given = elementsOf(value) ?? []
  if (given.length > 0 && given.every(isAsymmetric)) return new Set(given)
  return reject(
    'dpop.algorithms',
    `must be an array of ${ASYMMETRIC_ALGORITHMS.join(', ')}${runtimeHint(value)}`,
  )
}

const MIN_SECRET_BYTES = 32

function resolveNonce(options: DPoPNonceOptions): ResolvedDPoP['nonce'] {
  const known = members(
    'dpop.nonce',
    options,
    ['secret', 'lifetime'],
    'must be an object with "secret", from which nonces are derived',
  )
  const { secret, lifetime = 300 } = known
  const given: readonly unknown[] = elementsOf(secret) ?? [secret]
  const secrets = given.map((value) =>
    // Copies the bytes, so that later changes by the application have no effect.
    typeof value === 'string' || types.isUint8Array(value)
      ? Buffer.from(value as string)
      : undefined,
  )
  if (
    secrets.length === 0 ||
    !secrets.every((bytes) => bytes && bytes.length >= MIN_SECRET_BYTES)
  ) {
    return reject(
      'dpop.nonce.secret',
      `must be ${MIN_SECRET_BYTES} random bytes or more, the same on every instance, or an array of these`,
    )
  }
  return Object.freeze({
    secrets: secrets as Buffer[],
    lifetime: numberIn('dpop.nonce.lifetime', lifetime, {
      minimum: 10,
      maximum: 86_400,
      unit: 'seconds',
    }),
  })
}

function resolveReplay(given: DPoPReplayOptions = {}): ResolvedDPoP['replay'] {
  const keys = ['maxEntries', 'maxEntriesPerKey', 'whenUnavailable']
  const options = members(
    'dpop.replay',
    given,
    keys,
    'must be an object with maxEntries, maxEntriesPerKey or whenUnavailable; omit it for the defaults',
  )
  const { whenUnavailable = 'reject' } = options
  if (whenUnavailable !== 'reject' && whenUnavailable !== 'dangerouslyAccept') {
    return reject('dpop.replay.whenUnavailable', "must be 'reject' or 'dangerouslyAccept'")
  }
  const maximum = 10_000_000
  const maxEntries = numberIn('dpop.replay.maxEntries', options.maxEntries ?? 1_000_000, {
    minimum: 1_000,
    maximum,
    unit: 'proofs',
  })
  const maxEntriesPerKey = numberIn(
    'dpop.replay.maxEntriesPerKey',
    options.maxEntriesPerKey ?? Math.floor(maxEntries / 10),
    { minimum: 100, maximum, unit: 'proofs' },
  )
  return Object.freeze({ maxEntries, maxEntriesPerKey, whenUnavailable })
}
