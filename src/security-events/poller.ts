/**
 * Polls a transmitter for security event tokens (RFC 8936). Each request acknowledges the tokens of
 * the previous response: those whose revocation is stored. A token that could not be processed is
 * neither acknowledged nor reported, so that the transmitter returns it again.
 */
import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { applicationFailure } from '../errors/application-function.js'
import { InvalidTokenError } from '../errors/errors.js'
import { BackOff } from '../http/back-off.js'
import { DeadlineError, withinDeadline } from '../http/deadline.js'
import { retryAfterOf, UnexpectedResponseError, withoutQuery } from '../http/fetch-json.js'
import { postJson } from '../http/post-json.js'
import { type DeliveryError, deliveryErrorOf } from './delivery-errors.js'
import { type ResolvedPoll, requireHeaderValue } from './poll-options.js'
import type { SecurityEvents } from './security-events.js'

export interface PollerOptions extends ResolvedPoll {
  /** Identifier of the transmitter. */
  readonly issuer: string
  readonly events: Pick<SecurityEvents, 'receive'>
  /** Called after each successful request. */
  readonly onPolled: () => void
  /** Called after each failed request, with the pause in milliseconds. Must not throw. */
  readonly onFailure: (error: unknown, retryIn: number) => void
}

/** Maximum size of a response per event, in bytes, and for the rest of the response. */
const MAX_BYTES_PER_EVENT = 16_384

export class Poller {
  readonly #options: PollerOptions
  readonly #closing = new AbortController()
  readonly #backOff = new BackOff()
  /** The keys of the tokens in the last response, for the next request. */
  #acknowledged: string[] = []
  #rejected = new Map<string, DeliveryError>()

  constructor(options: PollerOptions) {
    this.#options = options
  }

  /** Polls until {@link close} is called. Never rejects. */
  async start(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const pause = await this.#poll()
      if (pause > 0) await waitFor(pause, signal)
    }
  }

  /**
   * Aborts the request in flight. The transmitter delivers tokens that are not acknowledged again.
   */
  close(): void {
    this.#closing.abort(new Error('the resource server was closed'))
  }

  /** Sends a request and processes the response. Returns the pause before the next request. */
  async #poll(): Promise<number> {
    const { interval, onPolled, onFailure } = this.#options
    const startedAt = performance.now()
    try {
      const sets = await this.#request()
      const isNew = await this.#process(sets)
      this.#backOff.succeeded()
      onPolled()
      return isNew ? 0 : Math.max(0, startedAt + interval - performance.now())
    } catch (error) {
      if (this.#closing.signal.aborted) return 0
      // A transmitter that holds the request for longer than we wait has no events.
      if (error instanceof DeadlineError) return 0
      const pause = this.#backOff.failed(performance.now(), retryAfterOf(error) ?? 0)
      onFailure(error, pause)
      return pause
    }
  }

  async #request(): Promise<ReadonlyMap<string, string>> {
    const { url, timeout, maxEvents } = this.#options
    const [ack, setErrs] = [this.#acknowledged, this.#rejected]
    const response = await withinDeadline(
      async (signal) => {
        const authorization = await this.#authorization()
        const maxBytes = (maxEvents + 1) * MAX_BYTES_PER_EVENT
        const document = {
          maxEvents,
          returnImmediately: false,
          ...(ack.length > 0 && { ack }),
          ...(setErrs.size > 0 && { setErrs: Object.fromEntries(setErrs) }),
        }
        return postJson(url, document, { authorization, signal, maxBytes })
      },
      { timeout, closing: this.#closing.signal },
    )
    const sets = setsOf(response)
    if (sets === undefined) {
      throw new UnexpectedResponseError(`${withoutQuery(url)} responded with invalid "sets"`)
    }
    // The transmitter has received these; they would be sent again after a failed request.
    this.#acknowledged = []
    this.#rejected = new Map()
    return sets
  }

  async #authorization(): Promise<string | undefined> {
    const { authorization } = this.#options
    if (typeof authorization !== 'function') return authorization
    try {
      return requireHeaderValue(await authorization())
    } catch (thrown) {
      throw applicationFailure('securityEvents.poll.authorization', thrown)
    }
  }

  /**
   * Processes the tokens in their order. Returns whether one of them is new: a transmitter that
   * returns acknowledged tokens again is polled at intervals.
   *
   * @throws the first error because of which a token could not be processed, after the others.
   */
  async #process(sets: ReadonlyMap<string, string>): Promise<boolean> {
    const { events, issuer } = this.#options
    const failures: unknown[] = []
    let isNew = false
    for (const [key, token] of sets) {
      this.#closing.signal.throwIfAborted()
      try {
        const { outcome } = await events.receive(token, issuer)
        this.#acknowledged.push(key)
        isNew ||= outcome !== 'duplicate'
      } catch (error) {
        if (error instanceof InvalidTokenError) this.#rejected.set(key, deliveryErrorOf(error))
        else failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
    return isNew
  }
}

/** Returns the tokens of a response by their keys; `undefined` if the response is malformed. */
function setsOf(response: Readonly<Record<string, unknown>>): Map<string, string> | undefined {
  const sets = ownMember(response, 'sets')
  if (!isJsonObject(sets)) return undefined
  const entries = Object.entries(sets)
  const isValid = entries.every(([, token]) => typeof token === 'string')
  return isValid ? new Map(entries as [string, string][]) : undefined
}

/** Resolves after the pause, or when the signal aborts, which has not happened yet. Does not keep the process alive. */
function waitFor(pause: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, pause).unref()
    signal.addEventListener('abort', end)
  })
}
