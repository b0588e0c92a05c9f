import { refuseUnknownOptions } from '../../known-options.js'
import type { Scope } from '../../scope-values.js'
import {
  type AccessTokenFormat,
  requireAccessTokenFormat,
  type ServerSettings,
} from '../options.js'
import type { HeaderOverrides, SigningAlgorithm } from './signing-keys.js'
import type { TokenConfirmation } from './token-confirmation.js'

/** Claims to set instead of the usual ones; `undefined` removes one. */
export type ClaimOverrides = { readonly [name: string]: unknown }

/** How a token made by `AuthorizationServer.issueToken` differs from the usual one. */
export interface IssueTokenOptions {
  /**
   * Whom the token is about: the first user, or the first client by itself, as with the client
   * credentials grant. Default: the user, where there is one.
   */
  subject?: 'user' | 'client' | undefined
  /** The scope, written as the profile writes it. Default: all but OpenID Connect's. */
  scope?: Scope | undefined
  /** Seconds from `iat` to `exp`; 0 and below make a token that is expired. Default: the server's. */
  expiresIn?: number | undefined
  /** Default: the server's `accessTokenFormat`. */
  format?: AccessTokenFormat | undefined
  /** Members of the JWS header to replace, or with `undefined` to remove. Not with `opaque`. */
  header?: HeaderOverrides | undefined
  /**
   * Signs with a key of this algorithm, made and published where there is none. Not with `opaque`.
   */
  algorithm?: SigningAlgorithm | undefined
  /**
   * Binds the token to a key or a certificate by its `cnf`, in either format. Default: a bearer
   * token. A `cnf` that no server would issue goes into the claims instead.
   */
  confirmation?: TokenConfirmation | undefined
}

const known = ['subject', 'scope', 'expiresIn', 'format', 'header', 'algorithm', 'confirmation']

/** @throws {TypeError} an option is unknown or impossible, or `subject` a user that isn't there */
export function requireIssueTokenOptions(
  options: IssueTokenOptions,
  { accessTokenFormat, users }: ServerSettings,
): void {
  refuseUnknownOptions('issueToken', options, known)
  const { subject, format = accessTokenFormat, header, algorithm } = options
  requireAccessTokenFormat('format', format)
  if (format === 'opaque' && (header !== undefined || algorithm !== undefined)) {
    throw new TypeError('"header" and "algorithm" must not be given for an opaque token')
  }
  if (subject !== undefined && subject !== 'user' && subject !== 'client') {
    throw new TypeError('"subject" must be "user" or "client"')
  }
  if (subject === 'user' && users.length === 0) {
    throw new TypeError('"subject" must be "client": "users" is empty')
  }
}
