/**
 * Verifies JWTs with which a trusted party reports an event. Untrusted callers can send such tokens,
 * so the checks run cheapest first, as for access tokens: no key is fetched for a token that would
 * be rejected anyway. Claims that are costly to parse are parsed after the signature is verified.
 */

import { type Algorithm, isSymmetric } from '../base/algorithms.js'
import { InvalidTokenError, KeysUnavailableError } from '../errors/errors.js'
import { type Result, type StepResult, unwrap } from '../errors/result.js'
import { type Issuer, resolveAlgorithm } from '../issuer/issuer.js'
import type { KeySource } from '../keys/key-source.js'
import type { VerificationKey } from '../keys/verification-key.js'
import type { Counters } from '../observability/statistics.js'
import {
  type Claims,
  type CompactJws,
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

/** How a token arrived. */
export interface EventDelivery {
  /** Whether more than the token authenticates its sender, so that no attacker can have sent it. */
  readonly isAuthenticated: boolean
  /** When the token arrived: time of the monotonic clock, in milliseconds. */
  readonly receivedAt: number
}

/**
 * Returns how a token that was not accepted counts. A token that no cached key verifies may be
 * forged, so it is no failure of the keys, even if its sender has to send it again.
 */
export function resultOf(error: unknown): 'rejected' | 'failed' {
  const isRejected =
    error instanceof InvalidTokenError ||
    (error instanceof KeysUnavailableError && error.check !== 'keys-unavailable')
  return isRejected ? 'rejected' : 'failed'
}

/** For the error if too many tokens wait for a function as issuer. */
const AN_ISSUER = 'an issuer that the application resolves'

export class EventTokens {
  readonly #options: EventTokensOptions
  readonly #knownHeaders = new KnownHeaders()
  /** One for each kind of delivery, so that an attacker cannot use up the fetches of the others. */
  readonly #keys = {
    public: new WeakMap<KeySource, SparingKeys>(),
    authenticated: new WeakMap<KeySource, SparingKeys>(),
  }
  readonly #waits = new WaitLimit()

  constructor(options: EventTokensOptions) {
    this.#options = options
  }

  /** Returns a delivery that arrives now. */
  delivery(isAuthenticated: boolean): EventDelivery {
    return { isAuthenticated, receivedAt: this.#options.monotonicNow() }
  }

  /**
   * Verifies that a trusted party signed the token.
   *
   * @param delivery default: an unauthenticated one that arrives now.
   * @returns the result of `read`, and the signer.
   * @throws the rejection of `resolve` or `read`; an `InvalidTokenError` that calls the token an
   *   access token; or an `UnavailableError`.
   */
  async verify<Signer extends EventSigner, T>(
    raw: string,
    { resolve, read }: EventTokenRules<Signer, T>,
    delivery: EventDelivery = this.delivery(false),
  ): Promise<{ readonly event: T; readonly signer: Signer }> {
    const { maxTokenLength } = this.#options
    const jws = unwrap(parseCompactJws(raw, maxTokenLength, this.#knownHeaders))
    const resolving = resolve(jws.issuerClaims)
    const signer = unwrap(
      resolving instanceof Promise ? await this.#waits.wait(resolving, AN_ISSUER) : resolving,
    )
    const algorithm = unwrap(resolveAlgorithm(signer, jws.header.alg))
    const early = hasClaims(jws) ? unwrap(read(jws, signer)) : undefined
    const key = await this.#findKey(jws, algorithm, signer.keys, delivery)
    const parsed = unwrap(withClaims(jws))
    const misusedKey = signer.profile.checkKey?.(key.issuer, parsed.claims)
    if (misusedKey !== undefined) throw misusedKey
    return { event: early ?? unwrap(read(parsed, signer)), signer }
  }

  async #findKey(
    jws: CompactJws,
    algorithm: Algorithm,
    keys: KeySource,
    { isAuthenticated, receivedAt }: EventDelivery,
  ): Promise<VerificationKey> {
    const { counters } = this.#options
    // No fetch provides another secret or static key.
    if (isSymmetric(algorithm) || keys.status().state === 'static') {
      return unwrap(await findSigningKey({ jws, algorithm, source: keys, counters }))
    }
    const source = this.#sparing(keys, this.#keys[isAuthenticated ? 'authenticated' : 'public'])
    try {
      return unwrap(await findSigningKey({ jws, algorithm, source, counters }))
    } catch (thrown) {
      throw source.finalError(thrown, receivedAt)
    }
  }

  #sparing(keys: KeySource, known: WeakMap<KeySource, SparingKeys>): SparingKeys {
    const { monotonicNow } = this.#options
    const source = known.get(keys) ?? new SparingKeys(keys, monotonicNow, this.#waits)
    known.set(keys, source)
    return source
  }
}
