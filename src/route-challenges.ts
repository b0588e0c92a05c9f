/** The response headers of what one route refuses. */
import type { Core } from './assembly.js'
import type { BindingDemand, Scheme } from './binding/presentation.js'
import { responseHeaders } from './challenge.js'
import { InvalidTokenError, type ResourceServerError, type ResponseHeaders } from './errors.js'

/** More than there are sentences; an application may make up any number of them, and long ones. */
const MAX_KEPT = 100
const MAX_LENGTH = 200

export class RouteChallenges {
  readonly #core: Pick<Core, 'realm' | 'binding' | 'resourceMetadata'>
  readonly #demand: BindingDemand
  /** What the route asks for, space-delimited. */
  readonly #scope: string
  /**
   * Of bad tokens, by message. Strangers send many, and to put the challenge together costs as much
   * as to look at most of them.
   */
  readonly #ofBadTokens = new Map<string, ResponseHeaders[string]>()

  constructor(
    core: Pick<Core, 'realm' | 'binding' | 'resourceMetadata'>,
    demand: BindingDemand,
    scope: string,
  ) {
    this.#core = core
    this.#demand = demand
    this.#scope = scope
  }

  /** @param schemeUsed by the request; asked only where it matters. */
  headersFor(error: ResourceServerError, schemeUsed: () => Scheme | undefined): ResponseHeaders {
    if (!this.#isAlwaysTheSame(error)) return this.#make(error, schemeUsed())
    const known = this.#ofBadTokens.get(error.message)
    // An object for each: the application may write into it.
    if (known !== undefined) return { 'www-authenticate': known }
    const made = this.#make(error, undefined)
    this.#keep(error.message, made['www-authenticate'])
    return made
  }

  #keep(message: unknown, challenge: ResponseHeaders[string] | undefined): void {
    // The application may have written anything into it.
    if (typeof message !== 'string' || message.length > MAX_LENGTH) return
    if (challenge === undefined || this.#ofBadTokens.size >= MAX_KEPT) return
    this.#ofBadTokens.set(message, challenge)
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
