/**
 * Sends introspection requests to an issuer that may be slow, faulty or down. Each request has a
 * deadline, the number of concurrent requests is limited, and new requests are rejected during a
 * pause after an outage.
 *
 * A failure for one token says nothing about other tokens: a middlebox may object to the text of
 * the token, and the token may be forged or revoked. So a failure is attributed to the issuer, and
 * opens the {@link Circuit}, only if discovery failed, or if a {@link HealthProbe} fails as well.
 */

import { ownMember } from '../base/plain-object.js'
import { withinDeadline } from '../http/deadline.js'
import { withoutQuery } from '../http/fetch-json.js'
import type { LocatedEndpoint } from '../http/located-endpoint.js'
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
  readonly endpoint: Pick<
    LocatedEndpoint<IntrospectionMetadata>,
    'locate' | 'mayHaveMoved' | 'requested'
  >
  readonly send: (
    metadata: IntrospectionMetadata,
    token: string,
    signal: AbortSignal,
  ) => Promise<IntrospectionResult>
  /** Timeout of one request, including discovery. */
  readonly timeout: number
  readonly untrustedPerSecond: number
  /** Wall clock, since the epoch. */
  readonly now: () => number
  readonly monotonicNow: () => number
  readonly closing: AbortSignal
  readonly onFailure: OnFailure
  /** Called at the end of an outage, with its duration. Must not throw. */
  readonly onRecovery: (failedForMs: number) => void
}

export class IntrospectionClient {
  readonly #options: IntrospectionClientOptions
  readonly #circuit: Circuit
  readonly #limiter: PriorityLimiter
  readonly #confirmed: ConfirmedTokens
  readonly #probe: HealthProbe
  readonly #reports: FailureReports
  readonly #latency = new Latency()
  /**
   * Whether the issuer has ever sent an introspection response, which shows that it accepted our
   * credentials.
   */
  #hasResponded = false

  constructor(options: IntrospectionClientOptions) {
    this.#options = options
    const { timeout, closing, monotonicNow, now } = options
    const circuit = new Circuit(options)
    this.#circuit = circuit
    this.#confirmed = new ConfirmedTokens(now)
    this.#probe = new HealthProbe({
      request: (token) => this.#send(token, closing),
      confirmed: this.#confirmed,
      onThrottled: (failure, tokens) => this.#throttle(failure, tokens),
      monotonicNow,
    })
    this.#limiter = new PriorityLimiter({
      concurrency: () => circuit.concurrency,
      trustedConcurrency: () => circuit.trustedConcurrency,
      timeout,
      pace: new Pace({
        perSecond: () => circuit.untrustedPerSecond,
        pause: () => circuit.pause('low'),
        monotonicNow,
      }),
      slowAfter: () => this.#latency.slowAfter,
      monotonicNow,
    })
    this.#reports = new FailureReports(options)
    closing.addEventListener('abort', () => this.#limiter.close(closed()))
  }

  /** Whether the issuer counts as down. */
  get failing(): boolean {
    return this.#circuit.failing
  }

  /** Why the issuer counts as down; `undefined` if it does not. */
  get outage(): IntrospectionFailure | undefined {
    return this.#circuit.outage
  }

  /** Returns the milliseconds for which tokens of this priority are not introspected, or 0. */
  pause(priority: Priority): number {
    return this.#circuit.pause(priority)
  }

  /** Introspects a token. @throws {IntrospectionFailure} if the request fails or is not sent. */
  async request(token: string, priority: Priority): Promise<IntrospectionResult> {
    if (this.#options.closing.aborted) throw closed()
    const rejection = this.#circuit.rejectionFor(priority)
    if (rejection !== undefined) throw rejection
    const slot = await this.#slot(priority)
    return this.#requestInSlot(token, priority, slot).finally(slot.end)
  }

  async #requestInSlot(
    token: string,
    priority: Priority,
    { signal }: Slot,
  ): Promise<IntrospectionResult> {
    const outage = await this.#probeRecovery(token, priority)
    if (outage !== undefined) {
      // The probe may have failed because its tokens were revoked, so this token is sent as well.
      return this.#send(token, signal).catch(() => Promise.reject(outage))
    }
    const epoch = this.#circuit.outageEpoch
    try {
      return await this.#send(token, signal)
    } catch (error) {
      const failure = error as IntrospectionFailure
      throw await this.#attribute(
        priority === 'low' ? failure : failure.forTrustedToken(),
        token,
        epoch,
      )
    }
  }

  /**
   * Finds out, after a pause, whether the issuer has recovered. A request of high priority needs no
   * health probe, because its own response shows that. Before a request of lower priority, a health
   * probe runs, because the token of the request may be invalid.
   *
   * @returns the failure if the outage is proven and the probe fails; otherwise `undefined`.
   */
  async #probeRecovery(
    token: string,
    priority: Priority,
  ): Promise<IntrospectionFailure | undefined> {
    if (!this.failing || priority === 'high') return undefined
    const { isProven, outageEpoch } = this.#circuit
    const probing = this.#probe.run(token)
    // If the outage is unproven, the probe may fail although the issuer is up: do not wait for it.
    if (!isProven) return undefined
    const { failure, isProven: stillProven } = await probing
    if (failure !== undefined) {
      return this.#attributeToIssuer(failure, outageEpoch, stillProven || failure.beforeToken)
    }
    this.#closeCircuit(outageEpoch)
    return undefined
  }

  /**
   * Attributes a failure to the issuer or to the token, possibly after a health probe. The request
   * keeps its slot meanwhile.
   */
  async #attribute(
    failure: IntrospectionFailure,
    token: string,
    epoch: number,
  ): Promise<IntrospectionFailure> {
    // Discovery failed, so the token was not sent and cannot be the cause.
    if (failure.attributedTo === 'issuer') return this.#attributeToIssuer(failure, epoch, true)
    if (failure.attributedTo === 'either' && !this.#options.closing.aborted) {
      return this.#attributeByProbe(failure, token, epoch)
    }
    return this.#attributeToToken(failure, token)
  }

  async #attributeByProbe(
    failure: IntrospectionFailure,
    token: string,
    epoch: number,
  ): Promise<IntrospectionFailure> {
    if (epoch !== this.#circuit.outageEpoch) return this.#attributeToIssuer(failure, epoch, true)
    const health = await this.#probe.run(token)
    // Another request may have opened the circuit during the probe.
    if (epoch !== this.#circuit.outageEpoch) return this.#attributeToIssuer(failure, epoch, true)
    if (health.failure === undefined) {
      this.#closeCircuit(epoch)
      return this.#attributeToToken(
        failure.attributedToToken('the issuer responds to other tokens'),
        token,
      )
    }
    if (!health.isProven && this.#mayBeAboutTokens(failure, health.failure)) {
      this.#options.endpoint.mayHaveMoved()
      return this.#attributeToToken(
        failure.attributedToToken(
          'the issuer may respond like this to every token that it does not know',
        ),
        token,
      )
    }
    return this.#attributeToIssuer(
      health.failure,
      epoch,
      health.isProven || health.failure.beforeToken,
    )
  }

  /** Whether the issuer may respond with these failures to every token that it does not know. */
  #mayBeAboutTokens(failure: IntrospectionFailure, ofProbe: IntrospectionFailure): boolean {
    if (failure.isThrottling && ofProbe.isThrottling) return true
    return this.#hasResponded && failure.mayBeUnknownToken && ofProbe.mayBeUnknownToken
  }

  #attributeToToken(failure: IntrospectionFailure, token: string): IntrospectionFailure {
    if (this.#options.closing.aborted) return closed()
    this.#confirmed.delete(token)
    this.#reports.reportThrottled(failure)
    return failure
  }

  #attributeToIssuer(
    failure: IntrospectionFailure,
    epoch: number,
    isProven: boolean,
  ): IntrospectionFailure {
    if (this.#options.closing.aborted) return closed()
    const outage = failure.attributedToIssuer()
    if (epoch !== this.#circuit.outageEpoch) return outage
    this.#probe.forget()
    const retryIn = this.#circuit.open(outage, isProven)
    this.#options.endpoint.mayHaveMoved()
    this.#limiter.rejectQueued(outage)
    this.#reports.report(outage, retryIn)
    return outage
  }

  #throttle(failure: IntrospectionFailure, tokens: ThrottledTokens): void {
    const { message, retryAfterMs, status } = failure
    const stopped = new IntrospectionFailure(
      `${message}: untrusted tokens are not introspected until its Retry-After is over`,
      { attributedTo: 'issuer', retryAfterMs, status },
    )
    const pause = this.#circuit.throttle(stopped, tokens)
    if (pause === 0) return
    if (pause >= this.#options.timeout) this.#limiter.rejectQueued(stopped, ['low'])
    this.#reports.report(stopped, pause)
  }

  /**
   * Closes the circuit after a response, unless an outage began after the request was sent: such a
   * response does not show that the issuer has recovered.
   */
  #closeCircuit(epoch: number): void {
    if (epoch !== this.#circuit.outageEpoch) return
    const failedForMs = this.#circuit.close()
    if (failedForMs === undefined) return
    this.#limiter.drain()
    this.#options.onRecovery(failedForMs)
  }

  /**
   * Sends one introspection request.
   *
   * @throws {IntrospectionFailure} if the request fails. The caller must attribute and report the
   *   failure.
   */
  async #send(token: string, ending: AbortSignal): Promise<IntrospectionResult> {
    const epoch = this.#circuit.outageEpoch
    const startedAt = this.#options.monotonicNow()
    const { endpoint } = this.#options
    let url: string | undefined
    try {
      const result = await this.#receive(token, ending, (located) => {
        url = withoutQuery(located)
      })
      this.#publish(startedAt, { outcome: result.kind })
      this.#record(token, result, startedAt)
      this.#closeCircuit(epoch)
      return result
    } catch (error) {
      const failure = failureFrom(error, url ?? endpoint.requested)
      this.#publish(startedAt, { outcome: 'failed', error: failure })
      throw failure
    }
  }

  #record(token: string, result: IntrospectionResult, startedAt: number): void {
    this.#hasResponded = true
    if (result.kind === 'malformed') this.#reports.reportThrottled(malformed())
    if (result.kind === 'active') {
      this.#confirmed.add(token, ownMember(result.response, 'exp'))
      this.#latency.add(this.#options.monotonicNow() - startedAt)
      this.#circuit.confirm()
    } else this.#confirmed.delete(token)
  }

  #publish(
    startedAt: number,
    what: Pick<DiagnosticsMessages['introspection:response'], 'outcome' | 'error'>,
  ) {
    const { issuer, monotonicNow } = this.#options
    publish('introspection:response', { issuer, durationMs: monotonicNow() - startedAt, ...what })
  }

  async #slot(priority: Priority): Promise<Slot> {
    try {
      return await this.#limiter.take(priority)
    } catch (error) {
      const failure = error as IntrospectionFailure
      // Failures of the issuer were reported when they occurred.
      if (failure.attributedTo === 'ours') this.#reports.reportThrottled(failure)
      throw failure
    }
  }

  /** @param onLocated called with the URL of the endpoint before the request is sent. */
  async #receive(
    token: string,
    ending: AbortSignal,
    onLocated: (url: string) => void,
  ): Promise<IntrospectionResult> {
    // The signal may have aborted while the token waited for a probe.
    ending.throwIfAborted()
    const { endpoint, send, timeout } = this.#options
    const request = async (signal: AbortSignal) => {
      const metadata = await endpoint.locate()
      onLocated(metadata.endpoint)
      return send(metadata, token, signal)
    }
    return withinDeadline(request, { timeout, closing: ending })
  }
}

function closed(): IntrospectionFailure {
  return new IntrospectionFailure('the resource server was closed', { attributedTo: 'ours' })
}

function malformed(): IntrospectionFailure {
  return new IntrospectionFailure(
    'the introspection response has no boolean "active", so it does not confirm the token',
    { attributedTo: 'token' },
  )
}
