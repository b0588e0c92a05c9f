/**
 * Exchanges the access tokens that this API receives for tokens for downstream APIs.
 *
 * ```
 * subject token → may it be sent? → cached? → in flight? → back-off? → slot → endpoint → request
 *       → cache → token
 * ```
 *
 * Invariants: a token is cached for one subject token and one request only, never past the expiry
 * of either token. One request per subject token and request is in flight at a time. The load is
 * bounded: `maxInFlight` requests in flight, at most half of them for one user, 1,000 queued, and
 * one per second for a subject token and request that fail.
 */
import { setMaxListeners } from 'node:events'
import { MAX_RETRY_AFTER_MS } from '../http/back-off.js'
import { withinDeadline } from '../http/deadline.js'
import { withoutQuery } from '../http/fetch-json.js'
import { LocatedEndpoint } from '../http/located-endpoint.js'
import { discoverTokenEndpoint } from '../http/metadata.js'
import type { SignProof } from './dpop-signer.js'
import { ExchangeCircuit } from './exchange-circuit.js'
import {
  closedExchanger,
  exchangeFailureFrom,
  type FailedExchange,
  RejectedExchange,
} from './exchange-failure.js'
import {
  type ExchangeParameters,
  exchangeParameters,
  type TokenExchangeRequest,
} from './exchange-parameters.js'
import { ExchangedToken } from './exchanged-token.js'
import { Fingerprints } from './fingerprints.js'
import type { ResolvedExchanger } from './options.js'
import { RequestSlots } from './request-slots.js'
import { type ExchangeableToken, readSubjectToken, type SubjectToken } from './subject-token.js'
import { ExchangedTokenCache } from './token-cache.js'
import { TokenExchangeError, TokenExchangeUnavailableError } from './token-exchange-error.js'
import type { SendTokenRequest } from './token-request.js'

export interface ExchangerParts extends ResolvedExchanger {
  /** Monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
  readonly signProof: SignProof | undefined
  readonly send: SendTokenRequest
}

/** Shortest time for which a subject token whose request failed is not sent again. */
const FAILURE_TTL_MS = 1_000

export class Exchanger {
  readonly #parts: ExchangerParts
  readonly #closing = new AbortController()
  readonly #fingerprints = new Fingerprints()
  readonly #endpoint: LocatedEndpoint<string>
  readonly #circuit: ExchangeCircuit
  readonly #slots: RequestSlots
  readonly #cache: ExchangedTokenCache
  /** Single flight: concurrent exchanges with the same key share one request. */
  readonly #inFlight = new Map<string, Promise<ExchangedToken>>()

  constructor(parts: ExchangerParts) {
    const closing = this.#closing.signal
    // Every request in flight adds a listener, which Node would report as a leak.
    setMaxListeners(0, closing)
    const { issuer = '', tokenEndpoint, timeout } = parts
    this.#parts = parts
    this.#endpoint = new LocatedEndpoint({
      ...parts,
      closing,
      configured: tokenEndpoint,
      discover: (discovery) => discoverTokenEndpoint(issuer, discovery),
    })
    const circuit = new ExchangeCircuit(parts)
    this.#circuit = circuit
    this.#slots = new RequestSlots({ concurrency: () => circuit.concurrency, timeout })
    this.#cache = new ExchangedTokenCache(parts)
  }

  async exchange(
    subjectToken: ExchangeableToken | string | null,
    request: TokenExchangeRequest = {},
  ): Promise<ExchangedToken> {
    const { protocol } = this.#parts
    const parameters = exchangeParameters(request, protocol)
    const subject = readSubjectToken(subjectToken, this.#parts)
    const key = this.#fingerprints.of([subject.raw, parameters.grantType, parameters.form])
    const cached = this.#cache.token(key)
    if (cached !== undefined) return cached
    try {
      return await this.#join(key, subject, parameters)
    } catch (failure) {
      throw this.#errorFor(failure as RejectedExchange | FailedExchange, key)
    }
  }

  discard(token: ExchangedToken): void {
    this.#cache.discard(token)
  }

  close(): void {
    this.#closing.abort(closedExchanger())
    this.#slots.rejectQueued(closedExchanger())
    this.#cache.clear()
  }

  #join(
    key: string,
    subject: SubjectToken,
    parameters: ExchangeParameters,
  ): Promise<ExchangedToken> {
    const inFlight = this.#inFlight.get(key)
    if (inFlight !== undefined) return inFlight
    const pending = this.#request(key, subject, parameters).finally(() =>
      this.#inFlight.delete(key),
    )
    this.#inFlight.set(key, pending)
    return pending
  }

  async #request(
    key: string,
    subject: SubjectToken,
    parameters: ExchangeParameters,
  ): Promise<ExchangedToken> {
    if (this.#closing.signal.aborted) throw closedExchanger()
    const known = this.#cache.failure(key)?.failure ?? this.#circuit.rejection
    if (known !== undefined) throw known
    const release = await this.#slots.take(subject.user)
    try {
      return await this.#send(key, subject, parameters)
    } finally {
      release()
    }
  }

  async #send(
    key: string,
    subject: SubjectToken,
    parameters: ExchangeParameters,
  ): Promise<ExchangedToken> {
    const { send, timeout, now, monotonicNow, signProof, expiryMargin } = this.#parts
    const { epoch } = this.#circuit
    const [startedAt, startedAtMs] = [monotonicNow(), now()]
    let beforeToken = true
    let url: string | undefined
    try {
      const issued = await withinDeadline(
        async (signal) => {
          const endpoint = await this.#endpoint.locate()
          beforeToken = false
          url = withoutQuery(endpoint)
          return send(endpoint, subject.raw, parameters, signal)
        },
        { timeout, closing: this.#closing.signal },
      )
      this.#recordResponse(epoch)
      const { expiresIn } = issued
      const expiresAt =
        expiresIn === undefined ? undefined : Math.floor(startedAtMs / 1_000 + expiresIn)
      const token = new ExchangedToken(issued, expiresAt, signProof)
      if (expiresIn !== undefined) {
        const lifetimeMs = expiresIn * 1_000
        this.#cache.storeToken(key, token, {
          freshUntil: startedAt + lifetimeMs - expiryMargin,
          notAfter: Math.min(subject.expiresAt * 1_000, startedAtMs + lifetimeMs),
        })
      }
      return token
    } catch (error) {
      const failure = exchangeFailureFrom(error, url ?? this.#endpoint.requested, beforeToken)
      this.#recordFailure(key, failure, this.#fingerprints.of([subject.user]), epoch)
      throw failure
    }
  }

  #recordResponse(epoch: number): void {
    if (this.#circuit.recordResponse(epoch)) this.#slots.drain()
  }

  #recordFailure(
    key: string,
    failure: RejectedExchange | FailedExchange,
    user: string,
    epoch: number,
  ): void {
    if (this.#closing.signal.aborted) return
    const now = this.#parts.monotonicNow()
    if (failure instanceof RejectedExchange) {
      this.#recordResponse(epoch)
      this.#cache.storeFailure(key, { failure, until: now + this.#parts.negativeCacheMaxAge })
      return
    }
    if (failure.mayHaveMoved) this.#endpoint.mayHaveMoved()
    const { retryAfterMs = 0 } = failure
    const pause = Math.max(FAILURE_TTL_MS, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS))
    this.#cache.storeFailure(key, { failure, until: now + pause })
    if (this.#circuit.recordFailure(failure, user, epoch)) this.#slots.rejectQueued(failure)
  }

  /** Returns one error per waiter: error handlers may mutate it. */
  #errorFor(failure: RejectedExchange | FailedExchange, key: string): Error {
    if (failure instanceof RejectedExchange) {
      const { details } = failure
      return new TokenExchangeError(
        `The authorization server rejected the token exchange: ${details.error}`,
        details,
      )
    }
    const until = this.#cache.failure(key)?.until ?? Number.NEGATIVE_INFINITY
    const { server, monotonicNow } = this.#parts
    const seconds = Math.ceil(Math.max(until - monotonicNow(), this.#circuit.pause) / 1_000)
    return new TokenExchangeUnavailableError(server, Math.max(1, seconds), failure)
  }
}
