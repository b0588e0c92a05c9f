import { refuseUnknownOptions } from '../../known-options.js'
import type { HeaderOverrides } from '../tokens/signing-keys.js'
import type { IntrospectionMembers } from './introspection-response.js'

/**
 * What an introspection answer says instead of the truth: members to set, where `undefined` removes
 * one, or a function that makes the whole answer from the true one.
 */
export type IntrospectionOverride =
  | IntrospectionMembers
  | ((truth: IntrospectionMembers) => unknown)

/** How an introspection answer is wrapped; see `AuthorizationServer.answerIntrospectionWith`. */
export interface IntrospectionAnswerOptions {
  /** Claims of a signed answer beside `token_introspection`; `undefined` removes one. */
  claims?: { readonly [name: string]: unknown } | undefined
  /** Members of a signed answer's JWS header to replace, or with `undefined` to remove. */
  header?: HeaderOverrides | undefined
  /** What is answered, whatever the request accepts. Default: what it accepts. */
  format?: 'json' | 'jwt' | undefined
}

/** What the introspection endpoint answers at the moment instead of the truth. */
export class IntrospectionLies {
  #override: IntrospectionOverride = {}
  #options: IntrospectionAnswerOptions = {}

  /** @throws {TypeError} an argument is impossible */
  tell(override: IntrospectionOverride = {}, options: IntrospectionAnswerOptions = {}): void {
    if (typeof override !== 'function' && (typeof override !== 'object' || override === null)) {
      throw new TypeError('answerIntrospectionWith takes members to set, or a function')
    }
    refuseUnknownOptions('answerIntrospectionWith', options, ['claims', 'header', 'format'])
    if (!['json', 'jwt', undefined].includes(options.format)) {
      throw new TypeError('"format" must be "json" or "jwt"')
    }
    this.#override = override
    this.#options = options
  }

  get options(): IntrospectionAnswerOptions {
    return this.#options
  }

  /** The members to answer; anything at all where a function made them. */
  async membersFor(truth: IntrospectionMembers): Promise<unknown> {
    const override = this.#override
    return typeof override === 'function' ? override(truth) : { ...truth, ...override }
  }
}
