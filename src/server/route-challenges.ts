/** Builds the response headers of the rejections of one route or one call of `verify()`. */

import type { ResolvedBindingRequirement, Scheme } from '../binding/presentation.js'
import { InvalidTokenError } from '../errors/errors.js'
import type { ResourceServerError, ResponseHeaders } from '../errors/resource-server-error.js'
import { isQuotable, responseHeaders } from '../errors/www-authenticate.js'
import { type CompiledScope, scopeForChallenge } from '../policy/scope-requirement.js'
import type { Core } from './assembly.js'

/**
 * Maximum number of cached challenges. Limited because application code may construct any number of
 * messages.
 */
const MAX_CACHED = 100
/** Maximum length of a cached message, in characters. */
const MAX_LENGTH = 200

/** @typeParam Context the argument of a function that decides on the required scope. */
export class RouteChallenges<Context> {
  readonly #core: Pick<Core, 'realm' | 'binding' | 'resourceMetadata'>
  readonly #bindingRequirement: ResolvedBindingRequirement
  readonly #scope: CompiledScope<Context>
  /**
   * Cached challenges for invalid tokens, keyed by message. Untrusted callers may send many invalid
   * tokens, and building a challenge costs as much as rejecting most of these tokens.
   */
  readonly #byMessage = new Map<string, string>()

  constructor(
    core: Pick<Core, 'realm' | 'binding' | 'resourceMetadata'>,
    bindingRequirement: ResolvedBindingRequirement,
    scope: CompiledScope<Context>,
  ) {
    this.#core = core
    this.#bindingRequirement = bindingRequirement
    this.#scope = scope
  }

  /**
   * Returns the response headers of an error.
   *
   * @param schemeUsed returns the scheme of the request; called only if the headers depend on it.
   */
  headersFor(
    error: ResourceServerError,
    context: Context,
    schemeUsed: () => Scheme | undefined,
  ): ResponseHeaders {
    if (!this.#dependsOnMessageOnly(error)) {
      return this.#build(error, scopeForChallenge(this.#scope, context), schemeUsed())
    }
    // Reads the message once, because the application may define a getter that returns different
    // messages.
    const { message } = error
    const challenge = this.#byMessage.get(message) ?? this.#cache(message)
    // Returns a new object each time, because the application may mutate it.
    return challenge === undefined
      ? this.#build(error, this.#scope.fixed.scope, undefined)
      : { 'www-authenticate': challenge }
  }

  /** Builds and caches the challenge; returns `undefined` if the message cannot be cached. */
  #cache(message: string): string | undefined {
    if (!isQuotable(message) || message.length > MAX_LENGTH) return undefined
    if (this.#byMessage.size >= MAX_CACHED) return undefined
    // Caches a flat copy, because a slice would keep the whole original string in memory.
    const sentence = Buffer.from(message, 'latin1').toString('latin1')
    const { scope } = this.#scope.fixed
    const headers = this.#build(new InvalidTokenError(sentence), scope, undefined)
    const challenge = headers['www-authenticate']
    this.#byMessage.set(sentence, challenge as string)
    return challenge as string
  }

  /**
   * Whether the message alone determines the headers. With DPoP, the headers also depend on the
   * scheme and the nonce. If a function decides on the scope, they also depend on the request.
   */
  #dependsOnMessageOnly(error: ResourceServerError): boolean {
    return (
      this.#bindingRequirement.dpop === 'off' &&
      !this.#scope.isDynamic &&
      error instanceof InvalidTokenError &&
      // The application may have assigned another code to the error.
      error.code === 'invalid_token'
    )
  }

  #build(error: ResourceServerError, scope: string, used: Scheme | undefined): ResponseHeaders {
    const { realm, binding, resourceMetadata } = this.#core
    return responseHeaders(error, {
      realm,
      scope,
      bearer: this.#bindingRequirement.dpop !== 'required',
      dpop: binding.dpopChallenge(this.#bindingRequirement),
      resourceMetadata: resourceMetadata?.url,
      used,
    })
  }
}
