/**
 * Verifies JWTs with which a trusted issuer reports an event. Untrusted callers can send such tokens,
 * so the checks run cheapest first, as for access tokens: no key is fetched for a token that would
 * be rejected anyway.
 */

import { type Result, unwrap } from '../errors/result.js'
import { type IssuerSource, resolveAlgorithm } from '../issuer/issuer.js'
import type { KeySource } from '../keys/key-source.js'
import type { Counters } from '../observability/statistics.js'
import { hasClaims, type ParsedJws, parseCompactJws } from '../token/compact-jws.js'
import { findSigningKey } from '../token/find-signing-key.js'
import { MALFORMED, malformed } from '../token/jose-header.js'
import { KnownHeaders } from '../token/known-headers.js'
import { SparingKeys } from './sparing-keys.js'

export interface EventTokensOptions {
  readonly issuers: IssuerSource
  readonly counters: Counters
  /** Maximum length of a token, in characters. */
  readonly maxTokenLength: number
  /** Returns the time of a monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
}

export class EventTokens {
  readonly #options: EventTokensOptions
  readonly #knownHeaders = new KnownHeaders()
  readonly #keys = new WeakMap<KeySource, SparingKeys>()

  constructor(options: EventTokensOptions) {
    this.#options = options
  }

  /**
   * Verifies that a trusted issuer signed the token.
   *
   * @param read checks the type and the claims; called before the signature is verified.
   * @param context the argument for a function as `issuer`.
   * @returns the result of `read`.
   * @throws the rejection of `read`; an `InvalidTokenError` that calls the token an access token;
   *   or an `UnavailableError`.
   */
  async verify<T>(raw: string, read: (jws: ParsedJws) => Result<T>, context: unknown): Promise<T> {
    const { issuers, counters, maxTokenLength } = this.#options
    const jws = unwrap(parseCompactJws(raw, maxTokenLength, this.#knownHeaders))
    if (!hasClaims(jws)) throw malformed(MALFORMED, 'few claims', 'more')
    const issuer = unwrap(await issuers.resolve(jws.claims, context))
    const algorithm = unwrap(resolveAlgorithm(issuer, jws.header.alg))
    const event = unwrap(read(jws))
    const source = this.#keysOf(issuer.keys)
    const key = unwrap(await findSigningKey({ jws, algorithm, source, counters }))
    const misusedKey = issuer.profile.checkKey?.(key.issuer, jws.claims)
    if (misusedKey !== undefined) throw misusedKey
    issuers.admit(issuer)
    return event
  }

  #keysOf(source: KeySource): SparingKeys {
    const known = this.#keys.get(source) ?? new SparingKeys(source, this.#options.monotonicNow)
    this.#keys.set(source, known)
    return known
  }
}
