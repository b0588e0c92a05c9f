/**
 * Health probe: distinguishes an outage of the issuer from a failure that one token causes. The
 * failure of a token that a caller sent does not prove an outage: a middlebox may reset or stall
 * requests that contain certain text, and some issuers respond to unknown or revoked tokens with an
 * error. So the probe concurrently introspects tokens that this API chooses: a random one, and up
 * to two that the issuer confirmed before.
 *
 * Probes are single flight, and each result is reused for one second, so that a flood of tokens
 * that fail at a healthy issuer adds at most three requests a second.
 */
import { randomBytes } from 'node:crypto'
import type { ThrottledTokens } from './circuit.js'
import type { ConfirmedTokens } from './confirmed-tokens.js'
import type { IntrospectionFailure } from './introspection-failure.js'
import type { IntrospectionResult } from './introspection-response.js'

export interface HealthProbeOptions {
  /** Introspects a token. @throws {IntrospectionFailure} if the request fails. */
  readonly request: (token: string) => Promise<IntrospectionResult>
  readonly confirmed: ConfirmedTokens
  /** Called if the issuer responds to the random token with 429. */
  readonly onThrottled: (failure: IntrospectionFailure, tokens: ThrottledTokens) => void
  /** Monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
}

export interface Health {
  /** Why the issuer counts as down; `undefined` if a probe shows that it is up. */
  readonly failure: IntrospectionFailure | undefined
  /** Whether the issuer is down and failed even for a token that it confirmed before. */
  readonly isProven: boolean
}

/** Lifetime of a probe result, in milliseconds. An outage may go unnoticed for that long. */
const PROBE_RESULT_TTL_MS = 1_000
const MAX_CONFIRMED = 2

const HEALTHY: Health = { failure: undefined, isProven: false }

export class HealthProbe {
  readonly #options: HealthProbeOptions
  #latest: Promise<Health> | undefined
  #validUntil = Number.NEGATIVE_INFINITY

  constructor(options: HealthProbeOptions) {
    this.#options = options
  }

  /**
   * Returns the latest result if it is still valid, otherwise the result of a new probe.
   *
   * @param token the token whose request caused the probe; the probe does not use it.
   */
  run(token: string): Promise<Health> {
    if (this.#latest !== undefined && this.#options.monotonicNow() < this.#validUntil) {
      return this.#latest
    }
    const probing = this.#run(token)
    this.#latest = probing
    this.#validUntil = Number.POSITIVE_INFINITY
    probing.finally(() => {
      if (this.#latest !== probing) return
      this.#validUntil = this.#options.monotonicNow() + PROBE_RESULT_TTL_MS
    })
    return probing
  }

  /**
   * Discards the latest result, even that of a probe in flight, because the probe may have started
   * before the outage.
   */
  forget(): void {
    this.#latest = undefined
  }

  async #run(token: string): Promise<Health> {
    const { confirmed, onThrottled } = this.#options
    const tokens = confirmed.pick(MAX_CONFIRMED, token)
    const random = this.#failureOf(randomBytes(32).toString('base64url'))
    const probes = tokens.map((confirmedToken) => this.#failureOf(confirmedToken))
    const failures = await allOrFirstUndefined([random, ...probes])
    if (failures !== undefined) {
      const [ofRandom, ofConfirmed] = failures as [IntrospectionFailure, ...IntrospectionFailure[]]
      const isProven = tokens.length > 0
      if (ofRandom.isThrottling) onThrottled(ofRandom, isProven ? 'all' : 'indeterminate')
      return { failure: ofConfirmed ?? ofRandom, isProven }
    }
    random.then((failure) => failure?.isThrottling && onThrottled(failure, 'unknown'))
    // A confirmed token that fails although the issuer is up is useless for later probes.
    probes.forEach(async (failing, i) => {
      if ((await failing) !== undefined) confirmed.delete(tokens[i] as string)
    })
    return HEALTHY
  }

  /**
   * Introspects a token and returns the failure. Returns `undefined` if the request succeeds, or if
   * the failure concerns the token alone: even a 400 or a 500 shows that the issuer is up.
   */
  async #failureOf(token: string): Promise<IntrospectionFailure | undefined> {
    try {
      await this.#options.request(token)
      return undefined
    } catch (error) {
      const failure = error as IntrospectionFailure
      return failure.attributedTo === 'token' ? undefined : failure
    }
  }
}

/** Resolves with all results, or with `undefined` as soon as one result is `undefined`. */
function allOrFirstUndefined<T>(promises: readonly Promise<T | undefined>[]) {
  return new Promise<readonly T[] | undefined>((resolve) => {
    const results: T[] = []
    let missing = promises.length
    promises.forEach(async (promise, i) => {
      const result = await promise
      if (result === undefined) return resolve(undefined)
      results[i] = result
      if (--missing === 0) resolve(results)
    })
  })
}
