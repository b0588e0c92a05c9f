/**
 * What the issuer said, where every instance of the API finds it, so that a token is asked about once
 * and not once on each. It saves questions and no more: without the store, or with one that lies, the
 * issuer is asked.
 *
 * Only answers about active tokens are shared. Refusals stay where they were heard: a stranger can
 * make up as many bad tokens as they like, and would fill the store with them.
 */
import { parseJsonObject } from '../json-object.js'
import { withinDeadline } from '../keys/deadline.js'
import type { Store } from '../stores/store.js'
import type { IntrospectionAnswer } from './answer.js'
import { Seal } from './sealed-answer.js'

/** All times in milliseconds. */
export interface SharedAnswersOptions {
  readonly store: Store
  /** The same on every instance, and nobody else's. */
  readonly secret: Uint8Array
  readonly issuer: string
  readonly clientId: string
  readonly maxAge: number
  readonly staleIfError: number
  /** Since the epoch: instances have no other clock in common. */
  readonly now: () => number
  readonly steadyNow: () => number
  readonly closing: AbortSignal
  /** Told at most twice a minute. */
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
const QUIET_FOR = 30_000

export class SharedAnswers {
  readonly #options: SharedAnswersOptions
  readonly #seal: Seal
  #quietUntil = Number.NEGATIVE_INFINITY

  constructor(options: SharedAnswersOptions) {
    this.#options = options
    this.#seal = new Seal(options.secret, [options.issuer, options.clientId])
  }

  /** Never rejects. @param digest of the token. */
  async find(digest: string): Promise<SharedAnswer | undefined> {
    const { store, closing } = this.#options
    const get = async () => store.get(this.#nameOf(digest))
    try {
      const sealed = await withinDeadline(get, { timeout: TIMEOUT, closing })
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
    this.#do(async () => store.set(this.#nameOf(digest), sealed, Math.ceil(lifetime)))
  }

  /** The issuer took it back. Nobody waits for it. */
  forget(digest: string): void {
    const { store } = this.#options
    this.#do(async () => store.delete(this.#nameOf(digest)))
  }

  #opened(digest: string, sealed: string): SharedAnswer | undefined {
    const { now, maxAge } = this.#options
    const text = this.#seal.open(digest, sealed) ?? ''
    const end = text.indexOf(' ')
    const answer = parseJsonObject(text.slice(end + 1))
    if (answer?.active !== true) {
      throw new Error('an introspection answer in the store is not one that was put there')
    }
    const age = now() - Number(text.slice(0, end))
    // From the future, by another's clock: nobody knows how old it is.
    const known = answer as IntrospectionAnswer
    return { answer: known, age: age >= 0 ? age : maxAge, length: text.length }
  }

  /** Never past its `exp` (RFC 7662 §4). */
  #lifetimeOf({ exp }: IntrospectionAnswer, now: number): number {
    const { maxAge, staleIfError } = this.#options
    const lifetime = maxAge + staleIfError
    return typeof exp === 'number' ? Math.min(lifetime, exp * 1_000 - now) : lifetime
  }

  #nameOf(digest: string): string {
    return `introspection:${this.#seal.nameOf(digest)}`
  }

  #do(work: () => Promise<void>): void {
    work().catch((error) => this.#tell(error))
  }

  #tell(error: unknown): void {
    const { steadyNow, closing, onFailure } = this.#options
    const now = steadyNow()
    if (now < this.#quietUntil || closing.aborted) return
    this.#quietUntil = now + QUIET_FOR
    try {
      onFailure(error)
    } catch {
      // A log that is full is no reason to answer otherwise.
    }
  }
}
