/**
 * Whether the issuer answers at all. No token that a caller sent can tell: a filter on the way may
 * reset or stall every request with a certain text in it, and issuers differ in what they answer
 * about a token that they don't know, or that was revoked. So the issuer is asked about tokens of our
 * choice, all at once: a random one, and two that it confirmed before, if there are any.
 *
 * One probe at a time, for all who want to know, and what it finds holds for a second: a flood of
 * tokens that fail adds three requests a second.
 */
import { randomBytes } from 'node:crypto'
import type { IntrospectionResult } from './answer.js'
import type { ThrottledTokens } from './circuit.js'
import type { ConfirmedTokens } from './confirmed-tokens.js'
import type { IntrospectionFailure } from './introspection-failure.js'

export interface HealthProbeOptions {
  /** @throws {IntrospectionFailure} if there is no verdict. */
  readonly ask: (token: string) => Promise<IntrospectionResult>
  readonly confirmed: ConfirmedTokens
  /** Told if the issuer answers 429 about the random token. */
  readonly onThrottled: (failure: IntrospectionFailure, tokens: ThrottledTokens) => void
  /** Milliseconds. */
  readonly steadyNow: () => number
}

export interface Health {
  /** Why the issuer counts as down; `undefined` if it answered about one of the tokens. */
  readonly failure: IntrospectionFailure | undefined
  /** Whether a token that the issuer confirmed before was among those that failed. */
  readonly isProven: boolean
}

/** In milliseconds. For that long an outage may go unnoticed. */
const HOLDS_FOR = 1_000
const MAX_CONFIRMED = 2

const HEALTHY: Health = { failure: undefined, isProven: false }

export class HealthProbe {
  readonly #options: HealthProbeOptions
  #latest: Promise<Health> | undefined
  #holdsUntil = Number.NEGATIVE_INFINITY

  constructor(options: HealthProbeOptions) {
    this.#options = options
  }

  /** @param token the one that failed: it is not asked about again. */
  run(token: string): Promise<Health> {
    if (this.#latest !== undefined && this.#options.steadyNow() < this.#holdsUntil) {
      return this.#latest
    }
    const probing = this.#run(token)
    this.#latest = probing
    this.#holdsUntil = Number.POSITIVE_INFINITY
    probing.finally(() => {
      if (this.#latest === probing) this.#holdsUntil = this.#options.steadyNow() + HOLDS_FOR
    })
    return probing
  }

  /** What was found is no longer true, and what is in flight may be from before. */
  forget(): void {
    this.#latest = undefined
  }

  async #run(token: string): Promise<Health> {
    const { confirmed, onThrottled } = this.#options
    const picked = confirmed.pick(MAX_CONFIRMED, token)
    const random = this.#failureOf(randomBytes(32).toString('base64url'))
    const known = picked.map((one) => this.#failureOf(one))
    const failures = await allOrFirstUndefined([random, ...known])
    if (failures !== undefined) {
      const [ofRandom, ofKnown] = failures as [IntrospectionFailure, ...IntrospectionFailure[]]
      const isProven = picked.length > 0
      if (ofRandom.isThrottling) onThrottled(ofRandom, isProven ? 'all' : 'indeterminate')
      return { failure: ofKnown ?? ofRandom, isProven }
    }
    random.then((failure) => failure?.isThrottling && onThrottled(failure, 'unknown'))
    // Those that fail although the issuer answers are of no use for the next time.
    known.forEach(async (failing, i) => {
      if ((await failing) !== undefined) confirmed.delete(picked[i] as string)
    })
    return HEALTHY
  }

  /** `undefined` where there is an answer, be it a 400 or a 500. */
  async #failureOf(token: string): Promise<IntrospectionFailure | undefined> {
    try {
      await this.#options.ask(token)
      return undefined
    } catch (error) {
      const failure = error as IntrospectionFailure
      return failure.of === 'token' ? undefined : failure
    }
  }
}

/** All results, or `undefined` as soon as one of them is. */
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
