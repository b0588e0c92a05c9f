/**
 * Verifies JWTs with which a trusted party reports an event. Untrusted callers can send such tokens,
 * so the checks run cheapest first, as for access tokens: no key is fetched for a token that would
 * be rejected anyway. Claims that are costly to parse are parsed after the signature is verified.
 */

import { type Result, type StepResult, unwrap } from '../errors/result.js'
import { type Issuer, resolveAlgorithm } from '../issuer/issuer.js'
import type { KeySource } from '../keys/key-source.js'
import type { Counters } from '../observability/statistics.js'
import {
  type Claims,
  hasClaims,
  type ParsedJws,
  parseCompactJws,
  withClaims,
} from '../token/compact-jws.js'
import { findSigningKey } from '../token/find-signing-key.js'
import { KnownHeaders } from '../token/known-headers.js'
import { SparingKeys } from './sparing-keys.js'
import { WaitLimit } from './wait-limit.js'

export interface EventTokensOptions {
  readonly counters: Counters
  /** Maximum length of a token, in characters. */
  readonly maxTokenLength: number
  /** Returns the time of a monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
}

/** The properties of a trusted party that the verification of its event tokens needs. */
export type EventSigner = Pick<Issuer, 'algorithms' | 'keys'> & {
  readonly profile: Pick<Issuer['profile'], 'checkKey'>
}

/** How one token is verified. */
export interface EventTokenRules<Signer extends EventSigner, T> {
  /**
   * Returns the trusted party that the token names, or the rejection.
   *
   * @param claims the unverified claims: only `iss` and `tid` if the others are not parsed yet.
   */
  readonly resolve: (claims: Claims) => StepResult<Signer>
  /**
   * Checks the type and the claims: before the signature is verified, unless they are costly to
   * parse.
   */
  readonly read: (jws: ParsedJws, signer: Signer) => Result<T>
}

/** For the error if too many tokens wait for a function as issuer. */
const AN_ISSUER = 'an issuer that the application resolves'

export class EventTokens {
  readonly #options: EventTokensOptions
  readonly #knownHeaders = new KnownHeaders()
  readonly #keys = new WeakMap<KeySource, SparingKeys>()
  readonly #waits = new WaitLimit()

  constructor(options: EventTokensOptions) {
    this.#options = options
  }

  /**
   * Verifies that a trusted party signed the token.
   *
   * @returns the result of `read`, and the signer.
   * @throws the rejection of `resolve` or `read`; an `InvalidTokenError` that calls the token an
   *   access token; or an `UnavailableError`.
   */
  async verify<Signer extends EventSigner, T>(
    raw: string,
    { resolve, read }: EventTokenRules<Signer, T>,
  ): Promise<{ readonly event: T; readonly signer: Signer }> {
    const { counters, maxTokenLength } = this.#options
    const jws = unwrap(parseCompactJws(raw, maxTokenLength, this.#knownHeaders))
    const resolving = resolve(jws.issuerClaims)
    const signer = unwrap(
      resolving instanceof Promise ? await this.#waits.wait(resolving, AN_ISSUER) : resolving,
    )
    const algorithm = unwrap(resolveAlgorithm(signer, jws.header.alg))
    const early = hasClaims(jws) ? unwrap(read(jws, signer)) : undefined
    const source = this.#keysOf(signer.keys)
    const key = unwrap(await findSigningKey({ jws, algorithm, source, counters }))
    const parsed = unwrap(withClaims(jws))
    const misusedKey = signer.profile.checkKey?.(key.issuer, parsed.claims)
    if (misusedKey !== undefined) throw misusedKey
    return { event: early ?? unwrap(read(parsed, signer)), signer }
  }

  #keysOf(source: KeySource): SparingKeys {
    const { monotonicNow } = this.#options
    const known = this.#keys.get(source) ?? new SparingKeys(source, monotonicNow, this.#waits)
    this.#keys.set(source, known)
    return known
  }
}
