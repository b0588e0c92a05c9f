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
  readonly events: Pick<SecurityEvents, 'delivery' | 'receive'>
  /** Called after each successful request. */
  readonly onPolled: () => void
  /** Called after each failed request, with the pause in milliseconds. Must not throw. */
  readonly onFailure: (error: unknown, retryIn: number) => void
  /**
   * Called after each response with tokens that could not be processed, with the first error and the
   * pause in milliseconds. Must not throw.
   */
  readonly onEventFailure: (error: unknown, retryIn: number) => void
}

/** Maximum size of a response per event, in bytes, and for the rest of the response. */
const MAX_BYTES_PER_EVENT = 16_384
/** Maximum number of tokens in processing, so that one that takes long hardly delays others. */
const MAX_CONCURRENT = 20
/**
 * Maximum time between two requests after a response with tokens, in milliseconds, even if none of
 * them is new: a token that fails or is invalid must not delay the others behind it.
 */
const MAX_PAUSE_WITH_TOKENS_MS = 1_000
/** Maximum number of tokens that a request asks for. */
const MAX_EVENTS = 1_000
const AUTHORIZATION_TIMEOUT_MS = 5_000

export class Poller {
  readonly #options: PollerOptions
  readonly #closing = new AbortController()
  readonly #backOff = new BackOff()
  /** The keys of the tokens in the last response, for the next request. */
  #acknowledged: string[] = []
  #rejected = new Map<string, DeliveryError>()
  /** Number of tokens in the last response that could not be processed. */
  #failed = 0

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
    const { interval: longest, onPolled, onFailure, onEventFailure } = this.#options
    const startedAt = performance.now()
    try {
      const sets = await this.#request()
      const { isNew, failures } = await this.#process(sets)
      this.#backOff.succeeded()
      this.#failed = failures.length
      const interval = sets.length === 0 ? longest : Math.min(longest, MAX_PAUSE_WITH_TOKENS_MS)
      const pause = isNew ? 0 : Math.max(0, startedAt + interval - performance.now())
      onPolled()
      if (failures.length > 0) onEventFailure(failures[0], pause)
      return pause
    } catch (error) {
      if (this.#closing.signal.aborted) return 0
      // A transmitter that holds the request for longer than we wait has no events.
      if (error instanceof DeadlineError) return 0
      const pause = this.#backOff.failed(performance.now(), retryAfterOf(error) ?? 0)
      onFailure(error, pause)
      return pause
    }
  }

  async #request(): Promise<readonly [key: string, token: string][]> {
    const { url, timeout } = this.#options
    // The transmitter returns tokens that failed again; they must leave room for others.
    const maxEvents = Math.min(this.#options.maxEvents + this.#failed, MAX_EVENTS)
    const [ack, setErrs] = [this.#acknowledged, this.#rejected]
    const authorization = await this.#authorization()
    const response = await withinDeadline(
      async (signal) => {
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
    // The transmitter returns the others again, because they are not acknowledged.
    return sets.slice(0, maxEvents)
  }

  async #authorization(): Promise<string | undefined> {
    const { authorization } = this.#options
    if (typeof authorization !== 'function') return authorization
    try {
      const options = { timeout: AUTHORIZATION_TIMEOUT_MS, closing: this.#closing.signal }
      return requireHeaderValue(await withinDeadline(async () => authorization(), options))
    } catch (thrown) {
      throw applicationFailure('securityEvents.poll.authorization', thrown)
    }
  }

  /**
   * Processes the tokens. `isNew` is false if none of them is new: a transmitter that returns
   * acknowledged tokens again is polled at intervals. `failures` has the errors because of which
   * tokens could not be processed.
   */
  async #process(sets: readonly [key: string, token: string][]): Promise<Processed> {
    const { events, issuer } = this.#options
    const processed: Processed = { isNew: false, failures: [] }
    const delivery = events.delivery(true)
    const processOne = async (key: string, token: string) => {
      try {
        const { outcome } = await events.receive(token, issuer, delivery)
        this.#acknowledged.push(key)
        processed.isNew ||= outcome !== 'duplicate'
      } catch (error) {
        if (error instanceof InvalidTokenError) this.#rejected.set(key, deliveryErrorOf(error))
        else processed.failures.push(error)
      }
    }
    const inProcess = new Set<Promise<void>>()
    for (const [key, token] of sets) {
      if (inProcess.size >= MAX_CONCURRENT) await Promise.race(inProcess)
      // Yields to the event loop, so that the verification of many signatures delays no request.
      await new Promise((resolve) => setImmediate(resolve))
      this.#closing.signal.throwIfAborted()
      const processing = processOne(key, token).finally(() => inProcess.delete(processing))
      inProcess.add(processing)
    }
    await Promise.all(inProcess)
    return processed
  }
}

interface Processed {
  isNew: boolean
  readonly failures: unknown[]
}

/** Returns the tokens of a response with their keys; `undefined` if the response is malformed. */
function setsOf(
  response: Readonly<Record<string, unknown>>,
): [key: string, token: string][] | undefined {
  const sets = ownMember(response, 'sets')
  if (!isJsonObject(sets)) return undefined
  const entries = Object.entries(sets)
  const isValid = entries.every(([, token]) => typeof token === 'string')
  return isValid ? (entries as [string, string][]) : undefined
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
