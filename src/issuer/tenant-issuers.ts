/**
 * Issuers that the application names when a token comes: one for each tenant. Its answers are kept
 * for a while, those that trust and those that don't, and both are bounded, so that tokens of ten
 * thousand made-up issuers cost no more than ten thousand questions to the application.
 */
import { LRUCache } from 'lru-cache'
import type { AccessToken } from '../access-token.js'
import { andThen, type NowOrLater } from '../now-or-later.js'
import { Identities } from './identities.js'
import {
  type Claims,
  closeIssuer,
  type Issuer,
  type IssuerSource,
  untrustedIssuer,
} from './issuer.js'

export interface TenantIssuersOptions {
  /** What the application says of an issuer; nothing, or false, for one that it doesn't trust. */
  readonly ask: (iss: string, context: unknown) => unknown
  /** Whether it looks at the context. It is asked anew each time then. */
  readonly dependsOnContext: boolean
  /** @throws {TypeError} if what the application said makes no sense. */
  readonly assemble: (iss: string, answer: unknown) => Promise<Issuer>
  readonly maxEntries: number
  /** How long an answer is kept, in milliseconds. */
  readonly maxAge: number
  /** The same for an issuer that isn't trusted. */
  readonly negativeMaxAge: number
  /** Milliseconds, never set back. */
  readonly now: () => number
}

interface KnownAnswer {
  readonly issuer: Issuer
  readonly askAgainAt: number
}

/** Beyond it, no issuer's name is worth a question. */
const MAX_NAME_LENGTH = 512
/** RFC 8414 §2, RFC 3986: no query, no fragment, and nothing that a log or a database stumbles over. */
const NAME = /^https?:\/\/[\w\-.~:/[\]@!$&'()*+,;=%]+$/
const MAX_STRANGERS = 10_000

export class TenantIssuers implements IssuerSource {
  readonly dependsOnContext: boolean
  readonly #options: TenantIssuersOptions
  readonly #identities = new Identities()
  /** By their name and all that was said about them, so that the same answer means the same keys. */
  readonly #assembled: LRUCache<string, Promise<Issuer>>
  readonly #current = new Set<Issuer>()
  readonly #trusted: LRUCache<string, KnownAnswer>
  readonly #strangers: LRUCache<string, number>
  /** One question for all who bring tokens of the same issuer at the same time. */
  readonly #asking = new Map<string, NowOrLater<Issuer>>()

  constructor(options: TenantIssuersOptions) {
    const { maxEntries } = options
    this.#options = options
    this.dependsOnContext = options.dependsOnContext
    this.#trusted = new LRUCache({ max: maxEntries })
    this.#strangers = new LRUCache({ max: MAX_STRANGERS })
    this.#assembled = new LRUCache({
      max: maxEntries,
      dispose: (assembling) =>
        void assembling.then(
          (issuer) => this.#dismiss(issuer),
          () => {},
        ),
    })
  }

  resolve({ iss }: Claims, context: unknown): NowOrLater<Issuer> {
    if (typeof iss !== 'string' || iss.length > MAX_NAME_LENGTH) throw stranger(iss)
    if (this.dependsOnContext) return this.#ask(iss, context)
    const now = this.#options.now()
    const known = this.#trusted.get(iss)
    if (known !== undefined && this.#holds(known, now)) return known.issuer
    if (now < (this.#strangers.get(iss) ?? Number.NEGATIVE_INFINITY)) throw stranger(iss)
    return this.#asking.get(iss) ?? this.#askOnce(iss)
  }

  stillTrusts(issuer: Issuer, token: AccessToken): boolean {
    const known = this.#trusted.get(token.issuer)
    return known?.issuer === issuer && this.#holds(known, this.#options.now())
  }

  mayTrust(iss: string): boolean {
    return iss.length <= MAX_NAME_LENGTH && NAME.test(iss)
  }

  /** Such a token names no issuer to ask the application about. */
  ofOpaque(): undefined {}

  issuers(): readonly Issuer[] {
    return [...this.#current]
  }

  async close(): Promise<void> {
    await Promise.all([...this.#current].map(closeIssuer))
  }

  #holds({ issuer, askAgainAt }: KnownAnswer, now: number): boolean {
    return now < askAgainAt && this.#current.has(issuer)
  }

  async #askOnce(iss: string): Promise<Issuer> {
    const asking = Promise.resolve()
      .then(() => this.#ask(iss, undefined))
      .finally(() => this.#asking.delete(iss))
    this.#asking.set(iss, asking)
    return asking
  }

  #ask(iss: string, context: unknown): NowOrLater<Issuer> {
    const answer = this.#options.ask(iss, context) as NowOrLater<unknown>
    return andThen(answer, (said) => this.#heed(iss, said))
  }

  #heed(iss: string, answer: unknown): NowOrLater<Issuer> {
    const now = this.#options.now()
    if (answer === undefined || answer === null || answer === false) {
      if (!this.dependsOnContext) this.#strangers.set(iss, now + this.#options.negativeMaxAge)
      throw stranger(iss)
    }
    return this.#assemble(iss, answer).then((issuer) => {
      this.#trusted.set(iss, { issuer, askAgainAt: now + this.#options.maxAge })
      return issuer
    })
  }

  #assemble(iss: string, answer: unknown): Promise<Issuer> {
    const key = `${iss}\n${this.#identities.of(answer)}`
    const known = this.#assembled.get(key)
    if (known !== undefined) return known
    const assembling = this.#options.assemble(iss, answer).then((issuer) => {
      this.#current.add(issuer)
      return issuer
    })
    this.#assembled.set(key, assembling)
    // What made no sense may be mended by the time of the next question.
    assembling.catch(() => this.#assembled.delete(key))
    return assembling
  }

  async #dismiss(issuer: Issuer): Promise<void> {
    this.#current.delete(issuer)
    await closeIssuer(issuer)
  }
}

function stranger(iss: unknown) {
  return untrustedIssuer('one that the function "issuer" trusts', iss)
}
