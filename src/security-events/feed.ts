/** Holds the state of one feed: its rules, its keys, and what an operator sees of it. */
import { printable } from '../errors/rejection-reason.js'
import type { KeySetStatus } from '../keys/key-source.js'
import type { SecurityEventCounts } from '../observability/statistics.js'
import type { EventSigner } from './event-tokens.js'
import type { ResolvedFeed } from './resolve-feeds.js'
import type { TargetRules } from './subject-target.js'

/**
 * State of a feed on this instance, for a readiness probe and metrics. Times are in milliseconds
 * since the epoch, `undefined` before the first.
 */
export interface SecurityEventFeedStatus extends SecurityEventCounts {
  /** Identifier of the transmitter. */
  readonly issuer: string
  /** When a security event token was accepted last, of whatever event. */
  readonly lastEventAt: number | undefined
  /** When a verification event was accepted last (SSF 1.0 §8.1.4). */
  readonly lastVerificationAt: number | undefined
  /** When a security event token that names the transmitter was rejected or failed last. */
  readonly lastFailureAt: number | undefined
  /** The `check` that failed then, or `error` for another error. */
  readonly lastFailure: string | undefined
  /**
   * `status` of the last stream-updated event, such as `paused` (SSF 1.0 §8.1.5); `undefined` before
   * the first, or if it is none that the specification defines.
   */
  readonly streamStatus: 'enabled' | 'paused' | 'disabled' | undefined
  /**
   * When a poll succeeded last, with or without events; `undefined` before the first, and without
   * the option `poll`.
   */
  readonly lastPollAt: number | undefined
  /** Why the last poll, or an event that it returned, failed; `undefined` if all succeeded. */
  readonly lastPollError: string | undefined
  /** Whether no event was accepted for `maxSilence`. False without that option. */
  readonly isSilent: boolean
  /** State of the transmitter's key set. */
  readonly keys: KeySetStatus
}

/** The transmitter, with all defaults. */
export interface FeedOptions
  extends Omit<ResolvedFeed, 'tokenIssuers' | 'keys' | 'algorithms' | 'defaultAlgorithms'> {
  readonly tokenIssuers: readonly string[]
  readonly signer: EventSigner
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Returns the time of a monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
}

export class Feed implements EventSigner {
  readonly options: FeedOptions & TargetRules
  readonly #counts = { revoked: 0, unmapped: 0, ignored: 0, duplicates: 0, rejected: 0, failed: 0 }
  readonly #times: Record<'event' | 'verification' | 'failure' | 'poll', number | undefined> = {
    event: undefined,
    verification: undefined,
    failure: undefined,
    poll: undefined,
  }
  #lastFailure: string | undefined
  #lastPollError: string | undefined
  #streamStatus: SecurityEventFeedStatus['streamStatus']
  #heardAt: number

  constructor(options: FeedOptions) {
    this.options = options
    this.#heardAt = options.monotonicNow()
  }

  get issuer(): string {
    return this.options.issuer
  }

  get algorithms() {
    return this.options.signer.algorithms
  }

  get keys() {
    return this.options.signer.keys
  }

  get profile() {
    return this.options.signer.profile
  }

  /** Records an accepted security event token. */
  accept(outcome: 'revoked' | 'unmapped' | 'ignored' | 'duplicates'): void {
    const { now, monotonicNow } = this.options
    this.#counts[outcome]++
    this.#times.event = now()
    this.#heardAt = monotonicNow()
  }

  /** Records a token that was rejected or failed. */
  fail(result: 'rejected' | 'failed', failure: string): void {
    this.#counts[result]++
    this.#times.failure = this.options.now()
    this.#lastFailure = failure
  }

  recordVerification(): void {
    this.#times.verification = this.options.now()
  }

  /** @param error why the poll failed; `undefined` if it succeeded. */
  recordPoll(error?: unknown): void {
    if (error === undefined) this.#times.poll = this.options.now()
    // The cause may be an error of the application, whose message may contain a subject or a secret.
    this.#lastPollError = error === undefined ? undefined : printable((error as Error).message)
  }

  /** @param status the untrusted member `status` of a stream-updated event. */
  recordStreamStatus(status: unknown): void {
    const isKnown = status === 'enabled' || status === 'paused' || status === 'disabled'
    this.#streamStatus = isKnown ? status : undefined
  }

  status(): SecurityEventFeedStatus {
    const { issuer, maxSilence, monotonicNow } = this.options
    const { event, verification, failure, poll } = this.#times
    return {
      issuer,
      ...this.#counts,
      lastEventAt: event,
      lastVerificationAt: verification,
      lastFailureAt: failure,
      lastFailure: this.#lastFailure,
      streamStatus: this.#streamStatus,
      lastPollAt: poll,
      lastPollError: this.#lastPollError,
      // A negated comparison, so that a clock that returns NaN reports silence.
      isSilent: maxSilence !== undefined && !(monotonicNow() - this.#heardAt <= maxSilence),
      keys: this.keys.status(),
    }
  }
}
