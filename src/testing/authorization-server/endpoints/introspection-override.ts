import { rejectUnknownOptions } from '../../known-options.js'
import type { HeaderOverrides } from '../tokens/signing-keys.js'
import type { IntrospectionMembers } from './introspection-response.js'

/**
 * An override of the introspection response. The members of an object override those of the correct
 * response; a member that is set to `undefined` is left out. A function receives the correct
 * response and returns the whole response.
 */
export type IntrospectionOverride =
  | IntrospectionMembers
  | ((response: IntrospectionMembers) => unknown)

/** Options of `AuthorizationServer.answerIntrospectionWith`. */
export interface IntrospectionAnswerOptions {
  /**
   * Claims that override the default claims `iss`, `aud` and `iat` of a signed response. A claim
   * that is set to `undefined` is left out.
   */
  claims?: { readonly [name: string]: unknown } | undefined
  /**
   * Members that override those in the JWS header of a signed response. A member that is set to
   * `undefined` is left out.
   */
  header?: HeaderOverrides | undefined
  /**
   * The format of the response. Default: `jwt` if the request accepts a signed response, otherwise
   * `json`.
   */
  format?: 'json' | 'jwt' | undefined
}

/** Holds the current override of introspection responses, and applies it. */
export class IntrospectionOverrides {
  #override: IntrospectionOverride = {}
  #options: IntrospectionAnswerOptions = {}

  /**
   * Replaces the current override and its options.
   *
   * @throws {TypeError} that names the invalid argument and the rule.
   */
  set(override: IntrospectionOverride = {}, options: IntrospectionAnswerOptions = {}): void {
    if (typeof override !== 'function' && (typeof override !== 'object' || override === null)) {
      throw new TypeError('"override" must be an object of members, or a function')
    }
    rejectUnknownOptions('answerIntrospectionWith', options, ['claims', 'header', 'format'])
    if (!['json', 'jwt', undefined].includes(options.format)) {
      throw new TypeError('"format" must be "json" or "jwt"')
    }
    this.#override = override
    this.#options = options
  }

  get options(): IntrospectionAnswerOptions {
    return this.#options
  }

  /**
   * Returns the correct response with the override applied. The result may be any value if the
   * override is a function.
   */
  async applyTo(response: IntrospectionMembers): Promise<unknown> {
    const override = this.#override
    return typeof override === 'function' ? override(response) : { ...response, ...override }
  }
}
