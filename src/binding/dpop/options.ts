/** What may be said about DPoP (RFC 9449), and its check. */

import { types } from 'node:util'
import {
  ASYMMETRIC_ALGORITHMS,
  type AsymmetricAlgorithm,
  isAsymmetric,
  PROOF_ALGORITHMS,
} from '../../base/algorithms.js'
import { canParseUrl } from '../../base/can-parse-url.js'
import { members, numberIn, reject, strings } from '../../base/check.js'

/** How tokens that are bound to a client's key are taken. Times are in seconds. */
export interface DPoPOptions {
  /**
   * `'allowed'`: a token that is bound to a key needs a proof, others are taken as bearer tokens.
   * `'required'`: only bound ones are taken. A route may say otherwise with `config.auth.dpop`.
   * Default `'allowed'`.
   */
  mode?: 'allowed' | 'required'

  /**
   * Under which URL clients see this server, such as `https://api.example.com`, with the path prefix
   * that a proxy takes away if there is one: what stands before `request.url`. Several if there are
   * several; where routes have `constraints.host`, only one with the `Host` of the request counts.
   * Default: from `X-Forwarded-Host` and `X-Forwarded-Proto`, where Fastify's `trustProxy`
   * trusts the sender, and on loopback where the connection ends; never from a `Host` that the caller
   * sent.
   */
  baseUrl?: string | readonly string[]

  /**
   * What proofs may be signed with. Default: every asymmetric algorithm but ES384 and ES512, each proof
   * of which costs 0.5 and 1.2 ms of processor time, where one of ES256 costs 0.06.
   */
  algorithms?: readonly AsymmetricAlgorithm[]

  /**
   * How long ago a proof may have been made, beside `clockTolerance`. Default 60; from 1 to 3,600.
   */
  maxProofAge?: number

  /** Nonces that a proof must have (RFC 9449 §9). Default: none are asked for. */
  nonce?: DPoPNonceOptions

  /** The memory of proofs that were used. */
  replay?: DPoPReplayOptions
}

/** Nonces that the API gives out, and wants in proofs (RFC 9449 §9). */
export interface DPoPNonceOptions {
  /**
   * What nonces are made of, the same on every instance: 32 bytes or more, of a random generator. Of
   * several the first one makes and all accept, so that it can be changed while instances run.
   */
  secret: string | Uint8Array | readonly (string | Uint8Array)[]

  /** How long a nonce is the newest; it is accepted for as long again. Default 300; from 10 to 86,400. */
  lifetime?: number
}

/** The memory of used proofs (RFC 9449 §11.1). */
export interface DPoPReplayOptions {
  /**
   * How many are remembered in this process; for `stores.replay`, the store decides. One more is a
   * 503, because to forget one would let it pass again. Default 1,000,000; from 1,000 to 10,000,000.
   */
  maxEntries?: number

  /**
   * How many of one client's key are remembered by this process at once, whatever the store: a client
   * that makes more is answered with 503, and the others are not. Default a tenth of `maxEntries`;
   * from 100 to 10,000,000.
   */
  maxEntriesPerKey?: number

  /**
   * What becomes of a request while `stores.replay` can't be asked: `'reject'` is a 503, and
   * `'dangerouslyAccept'` lets a stolen proof pass again for as long as it is fresh. Default `'reject'`.
   */
  whenUnavailable?: 'reject' | 'dangerouslyAccept'
}

/** Checked, with every default filled in. */
export interface ResolvedDPoP {
  readonly mode: 'allowed' | 'required'
  readonly baseUrls: readonly string[]
  readonly algorithms: ReadonlySet<AsymmetricAlgorithm>
  readonly maxProofAge: number
  readonly nonce: { readonly secrets: readonly Uint8Array[]; readonly lifetime: number } | undefined
  readonly replay: Readonly<Required<DPoPReplayOptions>>
}

/** The option `dpop`: not at all, beside bearer tokens, always, or with options. */
export type DPoPOption = false | 'allowed' | 'required' | DPoPOptions

const KEYS = [
  'mode',
  'baseUrl',
  'algorithms',
  'maxProofAge',
  'nonce',
  'replay',
] as const satisfies readonly (keyof DPoPOptions)[]

/** @throws {TypeError} that names the option and the fix. */
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

/** As clients write it: IDN in ASCII, the host in lower case, no default port, no slash at the end. */
function resolveBaseUrls(value: unknown): readonly string[] {
  if (value === undefined) return []
  return strings('dpop.baseUrl', value, 'the URL under which clients see this server').map(
    (text) => {
      const url = canParseUrl(text) && !/[?#\s\\]/.test(text) ? new URL(text) : undefined
      const base = `${url?.origin}${url?.pathname.replace(/\/$/, '')}`
      const hasNoCredentials = `${url?.username}${url?.password}` === ''
      if (hasNoCredentials && BASE_URL.test(base)) return base
      return reject(
        'dpop.baseUrl',
        'must be an http or https URL of one host, without credentials, query and empty path ' +
          'segments, such as https://api.example.com',
      )
    },
  )
}

const BASE_URL = /^https?:\/\/[\w.:[\]-]+(?:\/(?:[^%/]|%[0-9a-f]{2})+)*$/i

function resolveAlgorithms(value: unknown): ReadonlySet<AsymmetricAlgorithm> {
  if (Array.isArray(value) && value.length > 0 && value.every(isAsymmetric)) return new Set(value)
  return reject('dpop.algorithms', `must be an array of ${ASYMMETRIC_ALGORITHMS.join(', ')}`)
}

const MIN_SECRET_BYTES = 32

function resolveNonce(options: DPoPNonceOptions): ResolvedDPoP['nonce'] {
  const known = members(
    'dpop.nonce',
    options,
    ['secret', 'lifetime'],
    'must be an object with "secret", from which nonces are made',
  )
  const { secret, lifetime = 300 } = known
  const given: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  const secrets = given.map((one) =>
    // Copies, so that nobody changes them.
    typeof one === 'string' || types.isUint8Array(one) ? Buffer.from(one as string) : undefined,
  )
  if (secrets.length === 0 || !secrets.every((one) => one && one.length >= MIN_SECRET_BYTES)) {
    return reject(
      'dpop.nonce.secret',
      `must be ${MIN_SECRET_BYTES} random bytes or more, the same on every instance, or an array of such`,
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
    'must be an object with some of maxEntries, maxEntriesPerKey and whenUnavailable; used proofs ' +
      'are rejected without it',
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
