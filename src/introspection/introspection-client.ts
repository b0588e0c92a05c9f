/**
 * Sends introspection requests to an issuer that may be slow, faulty or down: each with a deadline,
 * with limited concurrency, and none during a pause after an outage.
 *
 * A failure for one token says nothing about other tokens: a middlebox may object to the token's text,
 * and the token may be forged or revoked. So a failed request is attributed to its token, unless a
 * {@link HealthProbe} fails as well. Only that opens the {@link Circuit}.
 */

import { ownMember } from '../base/plain-object.js'
import { withinDeadline } from '../http/deadline.js'
import type { IntrospectionMetadata } from '../http/metadata.js'
import { type DiagnosticsMessages, publish } from '../observability/diagnostics.js'
import { Circuit, type ThrottledTokens } from './circuit.js'
import { ConfirmedTokens } from './confirmed-tokens.js'
import { FailureReports, type OnFailure } from './failure-reports.js'
import { HealthProbe } from './health-probe.js'
import { failureFrom, IntrospectionFailure } from './introspection-failure.js'
import type { IntrospectionResult } from './introspection-response.js'
import { Latency } from './latency.js'
import { Pace } from './pace.js'
import { type Priority, PriorityLimiter, type Slot } from './priority-limiter.js'

/** Times in milliseconds. */
export interface IntrospectionClientOptions {
  readonly issuer: string
  readonly endpoint: { locate(): Promise<IntrospectionMetadata>; mayHaveMoved(): void }
  readonly exchange: (
    metadata: IntrospectionMetadata,
    token: string,
    signal: AbortSignal,
  ) => Promise<IntrospectionResult>
  /** For one request, discovery included. */
  readonly timeout: number
  readonly untrustedPerSecond: number
  /** Wall clock, since the epoch. */
  readonly now: () => number
  readonly steadyNow: () => number
  readonly closing: AbortSignal
  readonly onFailure: OnFailure
}

export class IntrospectionClient {
  readonly #options: IntrospectionClientOptions
  readonly #circuit: Circuit
  readonly #turns: PriorityLimiter
  readonly #confirmed: ConfirmedTokens
  readonly #probe: HealthProbe
  readonly #reports: FailureReports
  readonly #latency = new Latency()
  /** Whether the issuer has ever introspected a token, so that our credentials have worked. */
  #hasAnswered = false

  constructor(options: IntrospectionClientOptions) {
    this.#options = options
    const { timeout, closing, steadyNow, now } = options
    const circuit = new Circuit(options)
    this.#circuit = circuit
    this.#confirmed = new ConfirmedTokens(now)
    this.#probe = new HealthProbe({
      request: (token) => this.#askNow(token, closing),
      confirmed: this.#confirmed,
      onThrottled: (failure, tokens) => this.#throttle(failure, tokens),
      steadyNow,
    })
    this.#turns = new PriorityLimiter({
      width: () => circuit.width,
      trustedWidth: () => circuit.trustedWidth,
      timeout,
      pace: new Pace({
        perSecond: () => circuit.untrustedPerSecond,
        pause: () => circuit.pause('low'),
        steadyNow,
      }),
      slowAfter: () => this.#latency.slowAfter,
      steadyNow,
    })
    this.#reports = new FailureReports(options)
    closing.addEventListener('abort', () => this.#turns.close(closed()))
  }

  /** Whether the latest evidence is that the issuer is down. */
  get failing(): boolean {
    return this.#circuit.failing
  }

  /** Milliseconds until tokens of this priority may be introspected; 0 if they may be now. */
  pause(priority: Priority): number {
    return this.#circuit.pause(priority)
  }

  /** Introspects a token. @throws {IntrospectionFailure} if the request fails or is not sent. */
  async ask(token: string, priority: Priority): Promise<IntrospectionResult> {
    if (this.#options.closing.aborted) throw closed()
    const reason = this.#circuit.reason(priority)
    if (reason !== undefined) throw reason
    const turn = await this.#turn(priority)
    return this.#askInTurn(token, priority, turn).finally(turn.end)
  }

  async #askInTurn(
    token: string,
    priority: Priority,
    { signal }: Slot,
  ): Promise<IntrospectionResult> {
    const stillDown = await this.#stillDown(token, priority)
    if (stillDown !== undefined) {
      // The probe's tokens may all have been revoked since: the result of this token decides.
      return this.#askNow(token, signal).catch(() => Promise.reject(stillDown))
    }
    const began = this.#circuit.outages
    try {
      return await this.#askNow(token, signal)
    } catch (error) {
      const failure = error as IntrospectionFailure
      throw await this.#settle(priority === 'low' ? failure : failure.ofTrusted(), token, began)
    }
  }

  /**
   * After a pause: probes recovery. An untrusted token is not used for that: it may fail for reasons
   * of its own.
   */
  async #stillDown(token: string, priority: Priority): Promise<IntrospectionFailure | undefined> {
    if (!this.failing || priority === 'high') return undefined
    const { isProven, outages } = this.#circuit
    const probing = this.#probe.run(token)
    // An unproven probe may fail at a healthy issuer, so that the token does not wait for it.
    if (!isProven) return undefined
    const { failure, isProven: stillProven } = await probing
    if (failure !== undefined) {
      return this.#down(failure, outages, stillProven || failure.beforeToken)
    }
    this.#answered(outages)
    return undefined
  }

  /** Attributes a failure to the issuer or to the token. The request keeps its slot meanwhile. */
  async #settle(
    failure: IntrospectionFailure,
    token: string,
    began: number,
  ): Promise<IntrospectionFailure> {
    // Failed before a token was involved.
    if (failure.of === 'issuer') return this.#down(failure, began, true)
    if (failure.of === 'either' && !this.#options.closing.aborted) {
      return this.#probed(failure, token, began)
    }
    return this.#atToken(failure, token)
  }

  async #probed(
    failure: IntrospectionFailure,
    token: string,
    began: number,
  ): Promise<IntrospectionFailure> {
    if (began !== this.#circuit.outages) return this.#down(failure, began, true)
    const health = await this.#probe.run(token)
    // Another request may have opened the circuit during the probe.
    if (began !== this.#circuit.outages) return this.#down(failure, began, true)
    if (health.failure === undefined) {
      this.#answered(began)
      return this.#atToken(failure.ofToken('the issuer answers for other tokens'), token)
    }
    if (!health.isProven && this.#mayBeAboutTokens(failure, health.failure)) {
      this.#options.endpoint.mayHaveMoved()
      return this.#atToken(
        failure.ofToken(
          'our credentials worked before, so the issuer may answer like this for every unknown token',
        ),
        token,
      )
    }
    return this.#down(health.failure, began, health.isProven || health.failure.beforeToken)
  }

  /** Whether the issuer may respond like this to every token that it does not know. */
  #mayBeAboutTokens(failure: IntrospectionFailure, ofProbe: IntrospectionFailure): boolean {
    if (failure.isThrottling && ofProbe.isThrottling) return true
    return this.#hasAnswered && failure.mayBeUnknownToken && ofProbe.mayBeUnknownToken
  }

  #atToken(failure: IntrospectionFailure, token: string): IntrospectionFailure {
    if (this.#options.closing.aborted) return closed()
    this.#confirmed.delete(token)
    this.#reports.reportThrottled(failure)
    return failure
  }

  #down(failure: IntrospectionFailure, began: number, isProven: boolean): IntrospectionFailure {
    if (this.#options.closing.aborted) return closed()
    const ofIssuer = failure.ofIssuer()
    if (began !== this.#circuit.outages) return ofIssuer
    this.#probe.forget()
    const retryIn = this.#circuit.open(ofIssuer, isProven)
    this.#options.endpoint.mayHaveMoved()
    this.#turns.rejectQueued(ofIssuer)
    this.#reports.report(ofIssuer, retryIn)
    return ofIssuer
  }

  #throttle(failure: IntrospectionFailure, tokens: ThrottledTokens): void {
    const { message, retryAfter, status } = failure
    const told = new IntrospectionFailure(
      `${message}: untrusted tokens are not introspected until its Retry-After is over`,
      { of: 'issuer', retryAfter, status },
    )
    const pause = this.#circuit.throttle(told, tokens)
    if (pause === 0) return
    if (pause >= this.#options.timeout) this.#turns.rejectQueued(told, ['low'])
    this.#reports.report(told, pause)
  }

  /** Closes the circuit, unless an outage began after the request: its response proves nothing then. */
  #answered(began: number): void {
    if (began === this.#circuit.outages && this.#circuit.close()) this.#turns.drain()
  }

  /** Sends the request. @throws {IntrospectionFailure} not yet attributed or reported. */
  async #askNow(token: string, ending: AbortSignal): Promise<IntrospectionResult> {
    const began = this.#circuit.outages
    const startedAt = this.#options.steadyNow()
    try {
      const outcome = await this.#exchange(token, ending)
      this.#publish(startedAt, { outcome: outcome.kind })
      this.#learn(token, outcome, startedAt)
      this.#answered(began)
      return outcome
    } catch (error) {
      const failure = failureFrom(error, this.#options.issuer)
      this.#publish(startedAt, { outcome: 'failed', error: failure })
      throw failure
    }
  }

  #learn(token: string, outcome: IntrospectionResult, startedAt: number): void {
    this.#hasAnswered = true
    if (outcome.kind === 'malformed') this.#reports.reportThrottled(malformed())
    if (outcome.kind === 'active') {
      this.#confirmed.add(token, ownMember(outcome.answer, 'exp'))
      this.#latency.add(this.#options.steadyNow() - startedAt)
      this.#circuit.confirm()
    } else this.#confirmed.delete(token)
  }

  #publish(
    startedAt: number,
    what: Pick<DiagnosticsMessages['introspection:response'], 'outcome' | 'error'>,
  ) {
    const { issuer, steadyNow } = this.#options
    publish('introspection:response', { issuer, durationMs: steadyNow() - startedAt, ...what })
  }

  async #turn(priority: Priority): Promise<Slot> {
    try {
      return await this.#turns.take(priority)
    } catch (error) {
      const failure = error as IntrospectionFailure
      // Other failures were reported when they occurred.
      if (failure.of === 'ours') this.#reports.reportThrottled(failure)
      throw failure
    }
  }

  async #exchange(token: string, ending: AbortSignal): Promise<IntrospectionResult> {
    // The signal may have aborted while the token waited for a probe.
    ending.throwIfAborted()
    const { endpoint, exchange, timeout } = this.#options
    return withinDeadline(async (signal) => exchange(await endpoint.locate(), token, signal), {
      timeout,
      closing: ending,
    })
  }
}

function closed(): IntrospectionFailure {
  return new IntrospectionFailure('the resource server was closed', { of: 'ours' })
}

function malformed(): IntrospectionFailure {
  return new IntrospectionFailure(
    'introspection response without a boolean "active"; token rejected',
    { of: 'token' },
  )
}
