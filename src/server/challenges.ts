/** The response headers of what a route, or a call of `verify()`, rejects. */

import type { BindingDemand, Scheme } from '../binding/presentation.js'
import { isQuotable, responseHeaders } from '../errors/challenge.js'
import {
  InvalidTokenError,
  type ResourceServerError,
  type ResponseHeaders,
} from '../errors/errors.js'
import type { Core } from './assembly.js'

/** More than there are sentences; an application may make up any number of them, and long ones. */
const MAX_KEPT = 100
const MAX_LENGTH = 200

export class Challenges {
  readonly #core: Pick<Core, 'realm' | 'binding' | 'resourceMetadata'>
  readonly #demand: BindingDemand
  /** The scope that is required, space-delimited. */
  readonly #scope: string
  /**
   * Of bad tokens, by message. Strangers send many, and to put the challenge together costs as much
   * as to look at most of them.
   */
  readonly #ofBadTokens = new Map<string, string>()

  constructor(
    core: Pick<Core, 'realm' | 'binding' | 'resourceMetadata'>,
    demand: BindingDemand,
    scope: string,
  ) {
    this.#core = core
    this.#demand = demand
    this.#scope = scope
  }

  /** @param schemeUsed by the caller; called only where it matters. */
  headersFor(error: ResourceServerError, schemeUsed: () => Scheme | undefined): ResponseHeaders {
    if (!this.#isAlwaysTheSame(error)) return this.#make(error, schemeUsed())
    // Read once: in an error of the application it may be another one the next time.
    const { message } = error
    const challenge = this.#ofBadTokens.get(message) ?? this.#keep(message)
    // An object for each: the application may write into it.
    return challenge === undefined
      ? this.#make(error, undefined)
      : { 'www-authenticate': challenge }
  }

  /** @returns `undefined` if it isn't kept. */
  #keep(message: string): string | undefined {
    if (!isQuotable(message) || message.length > MAX_LENGTH) return undefined
    if (this.#ofBadTokens.size >= MAX_KEPT) return undefined
    // If it was cut from something long, all of that would stay alive with it.
    const sentence = Buffer.from(message, 'latin1').toString('latin1')
    const challenge = this.#make(new InvalidTokenError(sentence), undefined)['www-authenticate']
    this.#ofBadTokens.set(sentence, challenge as string)
    return challenge as string
  }

  /** Where proofs of a key are taken, it depends on how the token came, and there may be a nonce. */
  #isAlwaysTheSame(error: ResourceServerError): boolean {
    return (
      this.#demand.dpop === 'off' &&
      error instanceof InvalidTokenError &&
      // The application may have written another into it.
      error.code === 'invalid_token'
    )
  }

  #make(error: ResourceServerError, used: Scheme | undefined): ResponseHeaders {
    const { realm, binding, resourceMetadata } = this.#core
    return responseHeaders(error, {
      realm,
      scope: this.#scope,
      bearer: this.#demand.dpop !== 'required',
      dpop: binding.offer(this.#demand),
      resourceMetadata: resourceMetadata?.url,
      used,
    })
  }
}
