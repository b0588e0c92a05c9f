/**
 * What the issuer said, where every instance of the API finds it, so that a token is asked about once
 * and not once on each. It saves questions and no more: without the store, or with one that lies, the
 * issuer is asked.
 *
 * Only answers about active tokens are shared. Refusals stay where they were heard: a stranger can
 * make up as many bad tokens as they like, and would fill the store with them.
 */
import { parseJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { withinDeadline } from '../http/deadline.js'
import { type Report, throttledReport } from '../observability/reports.js'
import type { Store } from '../stores/store.js'
import type { IntrospectionAnswer } from './answer.js'
import { Places } from './places.js'
import { Seal } from './sealed-answer.js'

/** All times in milliseconds. */
export interface SharedAnswersOptions {
  readonly store: Store
  /** The same on every instance, and nobody else's. */
  readonly secret: Uint8Array
  readonly issuer: string
  readonly clientId: string
  /** Who takes signed answers only shares with nobody who takes others. */
  readonly requireSignedResponse: boolean
  readonly cacheMaxAge: number
  readonly staleIfError: number
  /** For one question to the issuer: for the store there is no more. */
  readonly timeout: number
  /** Since the epoch: instances have no other clock in common. */
  readonly now: () => number
  readonly steadyNow: () => number
  readonly closing: AbortSignal
  /** Told at most twice a minute. Must not throw. */
  readonly onFailure: (error: unknown) => void
}

/** An answer that another instance got, or this one before it was restarted. */
export interface SharedAnswer {
  readonly answer: IntrospectionAnswer
  /** How long ago, in milliseconds. */
  readonly age: number
  /** Of its text. */
  readonly length: number
}

/** A request waits for it, and has the issuer to ask after it. */
const TIMEOUT = 500
/**
 * An instance whose clock is that far ahead of ours has one that is wrong, or we have. By as much its
 * answers may be used for too long.
 */
const MAX_AHEAD = 5_000
const REPORT_INTERVAL_MS = 30_000

export class SharedAnswers {
  readonly #options: SharedAnswersOptions
  readonly #seal: Seal
  readonly #looks = new Places()
  readonly #shares = new Places()
  readonly #removals = new Places()
  readonly #report: Report<unknown>

  constructor(options: SharedAnswersOptions) {
    const {
      secret,
      issuer,
      clientId,
      requireSignedResponse: signed,
      onFailure,
      steadyNow,
    } = options
    this.#options = options
    this.#report = throttledReport(onFailure, REPORT_INTERVAL_MS, steadyNow)
    this.#seal = new Seal(secret, [issuer, clientId, ...(signed ? ['signed'] : [])])
  }

  /** Never rejects. @param digest of the token. */
  async find(digest: string): Promise<SharedAnswer | undefined> {
    const { store, timeout, closing } = this.#options
    if (closing.aborted) return undefined
    const getting = this.#looks.take(() => store.get(this.#nameOf(digest)))
    if (getting === undefined) return undefined
    try {
      const deadline = { timeout: Math.min(TIMEOUT, timeout), closing }
      // Some clients of Redis say by `null` that there is nothing.
      const sealed = (await withinDeadline(() => getting, deadline)) ?? undefined
      return sealed === undefined ? undefined : this.#opened(digest, sealed)
    } catch (error) {
      this.#tell(error)
      return undefined
    }
  }

  /** Nobody waits for it. */
  share(digest: string, answer: IntrospectionAnswer): void {
    const { store, now } = this.#options
    const at = now()
    const lifetime = this.#lifetimeOf(answer, at)
    if (!(lifetime > 0)) return
    const sealed = this.#seal.seal(digest, `${at} ${JSON.stringify(answer)}`)
    if (sealed === undefined) return
    const name = this.#nameOf(digest)
    this.#do(this.#shares, () => store.set(name, sealed, Math.ceil(lifetime)))
  }

  /** The issuer took it back. Nobody waits for it. */
  forget(digest: string): void {
    const { store } = this.#options
    this.#do(this.#removals, () => store.delete(this.#nameOf(digest)))
  }

  #opened(digest: string, sealed: string): SharedAnswer {
    const { now, cacheMaxAge: maxAge } = this.#options
    const text = this.#seal.open(digest, sealed) ?? ''
    const end = text.indexOf(' ')
    const answer = parseJsonObject(text.slice(end + 1))
    if (answer === undefined || ownMember(answer, 'active') !== true) {
      throw new Error('an introspection answer in the store is not one that was put there')
    }
    const age = now() - Number(text.slice(0, end))
    if (!(age >= -MAX_AHEAD)) {
      throw new Error(
        'an introspection answer in the store is from the future: the clocks of the instances differ by more than five seconds',
      )
    }
    const known = answer as IntrospectionAnswer
    // Of one from the future, by another's clock, nobody knows how old it is.
    return { answer: known, age: age >= 0 ? age : maxAge, length: text.length }
  }

  /** Never past its `exp` (RFC 7662 §4). */
  #lifetimeOf(answer: IntrospectionAnswer, now: number): number {
    const exp = ownMember(answer, 'exp')
    const { cacheMaxAge: maxAge, staleIfError } = this.#options
    const usableUntil = now + maxAge + staleIfError
    // Of no time, if the clock tells none.
    return (typeof exp === 'number' ? Math.min(usableUntil, exp * 1_000) : usableUntil) - now
  }

  #nameOf(digest: string): string {
    return `introspection:${this.#seal.nameOf(digest)}`
  }

  #do(places: Places, write: () => Promise<void>): void {
    const writing = places.take(write)
    if (writing === undefined) return
    const { closing } = this.#options
    withinDeadline(() => writing, { timeout: TIMEOUT, closing }).catch((e) => this.#tell(e))
  }

  #tell(error: unknown): void {
    if (!this.#options.closing.aborted) this.#report(error)
  }
}
