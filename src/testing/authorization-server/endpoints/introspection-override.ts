import { rejectUnknownOptions } from '../../known-options.js'
import type { HeaderOverrides } from '../tokens/signing-keys.js'
import type { IntrospectionMembers } from './introspection-response.js'

/**
 * An override of the introspection response: members to set, where `undefined` removes one, or a
 * function that builds the whole response from the correct one.
 */
export type IntrospectionOverride =
  | IntrospectionMembers
  | ((response: IntrospectionMembers) => unknown)

/** The form of the introspection response; see `AuthorizationServer.answerIntrospectionWith`. */
export interface IntrospectionAnswerOptions {
  /**
   * Claims of a signed response beside `token_introspection` to override; `undefined` removes one.
   */
  claims?: { readonly [name: string]: unknown } | undefined
  /** Members of a signed response's JWS header to override; `undefined` removes one. */
  header?: HeaderOverrides | undefined
  /** The format of the response, whatever the request accepts. Default: what it accepts. */
  format?: 'json' | 'jwt' | undefined
}

/** The current override of introspection responses. */
export class IntrospectionOverrides {
  #override: IntrospectionOverride = {}
  #options: IntrospectionAnswerOptions = {}

  /** @throws {TypeError} that names the invalid argument and the fix */
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

  /** Returns the members of the response; any value if a function built them. */
  async applyTo(response: IntrospectionMembers): Promise<unknown> {
    const override = this.#override
    return typeof override === 'function' ? override(response) : { ...response, ...override }
  }
}
