/**
 * Whether the issuer answers at all: a question about a random token, which nobody sent and nobody
 * has. Somebody's token that fails is no proof that it doesn't, because a filter on the way may reset
 * or stall every question with a certain text in it.
 *
 * One at a time, for all who want to know, and what it finds holds for a second: a flood of tokens
 * that fail adds one question a second to those that they are themselves.
 */
import { randomBytes } from 'node:crypto'
import type { IntrospectionFailure } from './introspection-failure.js'

export interface ControlQuestionOptions {
  /** @throws {IntrospectionFailure} if there is no verdict. */
  readonly ask: (token: string) => Promise<unknown>
  /** Milliseconds. */
  readonly steadyNow: () => number
}

/** In milliseconds. For that long an outage may go unnoticed by strangers' questions. */
const HOLDS_FOR = 1_000

export class ControlQuestion {
  readonly #options: ControlQuestionOptions
  #underWay: Promise<void> | undefined
  #answeredUntil = Number.NEGATIVE_INFINITY

  constructor(options: ControlQuestionOptions) {
    this.#options = options
  }

  /** @throws {IntrospectionFailure} if the issuer doesn't answer about a token of ours either. */
  requireAnswer(): Promise<void> {
    if (this.#options.steadyNow() < this.#answeredUntil) return Promise.resolve()
    this.#underWay ??= this.#ask()
    return this.#underWay
  }

  /** What was found is no longer true, and what is under way may be from before. */
  forget(): void {
    this.#answeredUntil = Number.NEGATIVE_INFINITY
    this.#underWay = undefined
  }

  #ask(): Promise<void> {
    const { ask, steadyNow } = this.#options
    const asking = ask(randomBytes(32).toString('base64url'))
      .catch((failure: IntrospectionFailure) => {
        // A 400 or a 500 is of no use, but it is an answer.
        if (failure.of !== 'token') throw failure
      })
      .then(() => {
        if (this.#underWay === asking) this.#answeredUntil = steadyNow() + HOLDS_FOR
      })
      .finally(() => {
        if (this.#underWay === asking) this.#underWay = undefined
      })
    return asking
  }
}
