/**
 * Questions to an issuer that may be slow, lying or gone: each within a deadline, not too many at
 * once, none for a while after a failure that isn't the token's, and then one to see whether the
 * issuer is back.
 *
 * Anybody can make up a token at which a filter on the way resets the connection, stalls or answers
 * 502. So nothing that happens to a token says that the issuer is down, unless the issuer vouched
 * for it before: a {@link ControlQuestion} does, which costs one question an outage.
 */
import { type DiagnosticsMessages, publish } from '../diagnostics.js'
import type { IntrospectionMetadata } from '../issuer/metadata.js'
import { BackOff } from '../keys/back-off.js'
import { withinDeadline } from '../keys/deadline.js'
import type { Outcome } from './answer.js'
import { ControlQuestion } from './control-question.js'
import { FailureReports, type OnFailure } from './failure-reports.js'
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

export class Questions {
  readonly #options: QuestionsOptions
  readonly #backOff = new BackOff()
  readonly #turns: Turns
  readonly #control: ControlQuestion
  readonly #reports: FailureReports
  #lastFailure: IntrospectionFailure | undefined
  /** Counts the issuer's failures, so that those that began together count as one. */
  #outages = 0

  constructor(options: QuestionsOptions) {
    this.#options = options
    const { timeout, closing, steadyNow } = options
    this.#control = new ControlQuestion({ ask: (token) => this.#askNow(token), steadyNow })
    this.#turns = new Turns({ width: () => (this.#backOff.failing ? 1 : MAX_UNDER_WAY), timeout })
    this.#reports = new FailureReports(options)
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
    return this.#askInTurn(token, standing).finally(leave)
  }

  async #askInTurn(token: string, standing: Standing): Promise<Outcome> {
    // Whether the issuer is back is nothing to find out with a token that may fail by itself.
    if (this.failing && standing !== 'known') {
      await this.#requireAnswer(this.#outages)
      this.#turns.admit()
    }
    const began = this.#outages
    try {
      return await this.#askNow(token)
    } catch (error) {
      throw this.#failed(await this.#judge(error as IntrospectionFailure, standing, began), began)
    }
  }

  /** Whose fault it was. The place is kept meanwhile, so that no other question takes it. */
  async #judge(
    failure: IntrospectionFailure,
    standing: Standing,
    began: number,
  ): Promise<IntrospectionFailure> {
    if (failure.of !== 'either' || this.#options.closing.aborted) return failure
    if (standing === 'known' || began !== this.#outages) return failure.blamedOn('issuer')
    await this.#requireAnswer(began)
    // Meanwhile it may have failed at a token that it knows.
    return failure.blamedOn(began === this.#outages ? 'token' : 'issuer')
  }

  async #requireAnswer(began: number): Promise<void> {
    try {
      await this.#control.requireAnswer()
    } catch (error) {
      throw this.#failed((error as IntrospectionFailure).blamedOn('issuer'), began)
    }
  }

  /** @throws {IntrospectionFailure} with nothing done about it yet. */
  async #askNow(token: string): Promise<Outcome> {
    const began = this.#outages
    const startedAt = this.#options.steadyNow()
    try {
      const outcome = await this.#exchange(token)
      this.#publish(startedAt, { outcome: outcome.kind })
      // An answer that was on its way before an outage says nothing about what came after.
      if (began === this.#outages) this.#backOff.succeeded()
      if (outcome.kind === 'malformed') this.#reports.tellNowAndThen(malformed())
      return outcome
    } catch (error) {
      const failure = failureFrom(error, this.#options.issuer)
      this.#publish(startedAt, { outcome: 'failed', error: failure })
      throw failure
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
      if (failure !== this.#lastFailure) {
        this.#reports.tellNowAndThen(failure as IntrospectionFailure)
      }
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
    if (failure.of !== 'issuer') this.#reports.tellNowAndThen(failure)
    else if (began === this.#outages) this.#beginOutage(failure)
    return failure
  }

  #beginOutage(failure: IntrospectionFailure): void {
    const { steadyNow, endpoint } = this.#options
    this.#outages++
    this.#lastFailure = failure
    this.#control.forget()
    const retryIn = this.#backOff.failed(steadyNow(), failure.retryAfter)
    endpoint.mayHaveMoved()
    this.#turns.refuseWaiting(failure)
    this.#reports.tell(failure, retryIn)
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
