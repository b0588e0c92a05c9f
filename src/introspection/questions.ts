/**
 * Questions to an issuer that may be slow, lying or gone: each within a deadline, not too many at
 * once, none for a while after a failure that isn't the token's, and then one to see whether the
 * issuer is back.
 */
import { type DiagnosticsMessages, publish } from '../diagnostics.js'
import type { IntrospectionMetadata } from '../issuer/metadata.js'
import { BackOff } from '../keys/back-off.js'
import { withinDeadline } from '../keys/deadline.js'
import type { Outcome } from './answer.js'
import { failureFrom, IntrospectionFailure } from './introspection-failure.js'
import { MAX_UNDER_WAY, type Standing, Turns } from './turns.js'

/** Times in milliseconds. */
export interface QuestionsOptions {
  readonly issuer: string
  readonly endpoint: { locate(): Promise<IntrospectionMetadata>; mayHaveMoved(): void }
  readonly exchange: (
    metadata: IntrospectionMetadata,
    token: string,
    signal: AbortSignal,
  ) => Promise<Outcome>
  /** For one exchange, metadata included. */
  readonly timeout: number
  readonly steadyNow: () => number
  readonly closing: AbortSignal
  readonly onFailure: OnFailure
}

/**
 * Told of what failed: of the issuer's failures once an attempt, of all others at most once a
 * second, because a stranger may cause them.
 *
 * @param retryIn milliseconds until the issuer is asked again about any token; 0 if it goes on.
 */
export type OnFailure = (failure: IntrospectionFailure, retryIn: number) => void

const QUIET_FOR = 1_000

export class Questions {
  readonly #options: QuestionsOptions
  readonly #backOff = new BackOff()
  readonly #turns: Turns
  #lastFailure: IntrospectionFailure | undefined
  /** Counts the issuer's failures, so that those that began together count as one. */
  #outages = 0
  #quietUntil = Number.NEGATIVE_INFINITY

  constructor(options: QuestionsOptions) {
    this.#options = options
    const { timeout, closing } = options
    this.#turns = new Turns({ width: () => (this.#backOff.failing ? 1 : MAX_UNDER_WAY), timeout })
    closing.addEventListener('abort', () => this.#turns.refuseWaiting(closed()))
  }

  /** Whether the last that was heard of the issuer is that it can't be asked. */
  get failing(): boolean {
    return this.#backOff.failing
  }

  /** Milliseconds until the issuer may be asked again; 0 if it may now. */
  get pause(): number {
    return Math.max(0, this.#backOff.until - this.#options.steadyNow())
  }

  /** @throws {IntrospectionFailure} if there is no verdict. */
  async ask(token: string, standing: Standing): Promise<Outcome> {
    if (this.#options.closing.aborted) throw closed()
    if (this.pause > 0) throw this.#lastFailure
    const leave = await this.#turn(standing)
    return this.#askNow(token).finally(leave)
  }

  async #askNow(token: string): Promise<Outcome> {
    const began = this.#outages
    const startedAt = this.#options.steadyNow()
    try {
      const outcome = await this.#exchange(token)
      this.#publish(startedAt, { outcome: outcome.kind })
      // An answer that was on its way before an outage says nothing about what came after.
      if (began === this.#outages) this.#backOff.succeeded()
      if (outcome.kind === 'malformed') this.#tellNowAndThen(malformed())
      return outcome
    } catch (error) {
      const failure = failureFrom(error, this.#options.issuer)
      this.#publish(startedAt, { outcome: 'failed', error: failure })
      throw this.#failed(failure, began)
    }
  }

  #publish(
    startedAt: number,
    what: Pick<DiagnosticsMessages['introspection'], 'outcome' | 'error'>,
  ) {
    const { issuer, steadyNow } = this.#options
    publish('introspection', { issuer, duration: steadyNow() - startedAt, ...what })
  }

  async #turn(standing: Standing): Promise<() => void> {
    try {
      return await this.#turns.take(standing)
    } catch (failure) {
      if (failure !== this.#lastFailure) this.#tellNowAndThen(failure as IntrospectionFailure)
      throw failure
    }
  }

  #exchange(token: string): Promise<Outcome> {
    const { endpoint, exchange, timeout, closing } = this.#options
    return withinDeadline(async (signal) => exchange(await endpoint.locate(), token, signal), {
      timeout,
      closing,
    })
  }

  #failed(failure: IntrospectionFailure, began: number): IntrospectionFailure {
    if (this.#options.closing.aborted) return closed()
    if (failure.of !== 'issuer') this.#tellNowAndThen(failure)
    else if (began === this.#outages) this.#beginOutage(failure)
    return failure
  }

  #beginOutage(failure: IntrospectionFailure): void {
    const { steadyNow, endpoint, onFailure } = this.#options
    this.#outages++
    this.#lastFailure = failure
    const retryIn = this.#backOff.failed(steadyNow(), failure.retryAfter)
    endpoint.mayHaveMoved()
    this.#turns.refuseWaiting(failure)
    notify(onFailure, failure, retryIn)
  }

  #tellNowAndThen(failure: IntrospectionFailure): void {
    const now = this.#options.steadyNow()
    if (now < this.#quietUntil || this.#options.closing.aborted) return
    this.#quietUntil = now + QUIET_FOR
    notify(this.#options.onFailure, failure, 0)
  }
}

function notify(onFailure: OnFailure, failure: IntrospectionFailure, retryIn: number): void {
  try {
    onFailure(failure, retryIn)
  } catch {
    // A log that is full is no reason to answer otherwise.
  }
}

function closed(): IntrospectionFailure {
  return new IntrospectionFailure('the resource server was closed', { of: 'ours' })
}

function malformed(): IntrospectionFailure {
  return new IntrospectionFailure(
    'an introspection answer does not say "active" with true or false: its token is refused',
    { of: 'token' },
  )
}
