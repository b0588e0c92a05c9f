import { rejectUnknownOptions } from '../../known-options.js'
import type { Scope } from '../../scope-values.js'
import {
  type AccessTokenFormat,
  requireAccessTokenFormat,
  type ServerSettings,
} from '../options.js'
import type { HeaderOverrides, SigningAlgorithm } from './signing-keys.js'
import type { TokenConfirmation } from './token-confirmation.js'

/** Claims that override the default ones; `undefined` removes one. */
export type ClaimOverrides = { readonly [name: string]: unknown }

/** How a token of `AuthorizationServer.issueToken` differs from the default one. */
export interface IssueTokenOptions {
  /**
   * The subject of the token: the first user, or the first client itself, as with the client
   * credentials grant. Default: the user, if there is one.
   */
  subject?: 'user' | 'client' | undefined
  /**
   * The scope; the profile decides on the claim. Default: everything except OpenID Connect's
   * values.
   */
  scope?: Scope | undefined
  /**
   * Lifetime (`exp` − `iat`), in seconds; 0 and below issue an expired token. Default: the server's
   * `accessTokenLifetime`.
   */
  expiresIn?: number | undefined
  /** The format of the token. Default: the server's `accessTokenFormat`. */
  format?: AccessTokenFormat | undefined
  /**
   * Members of the JWS header to override; `undefined` removes one. Rejected with the format
   * `opaque`.
   */
  header?: HeaderOverrides | undefined
  /**
   * The signature algorithm; a key for it is generated and published if there is none. Default:
   * that of the current key. Rejected with the format `opaque`.
   */
  algorithm?: SigningAlgorithm | undefined
  /**
   * The key or certificate to which `cnf` binds the token, in either format. Default: a bearer
   * token. A `cnf` that no server would issue belongs in the claims instead.
   */
  confirmation?: TokenConfirmation | undefined
}

const KNOWN_OPTIONS = [
  'subject',
  'scope',
  'expiresIn',
  'format',
  'header',
  'algorithm',
  'confirmation',
]

/** @throws {TypeError} that names the unknown or invalid option and the fix */
export function requireIssueTokenOptions(
  options: IssueTokenOptions,
  { accessTokenFormat, users }: ServerSettings,
): void {
  rejectUnknownOptions('issueToken', options, KNOWN_OPTIONS)
  const { subject, format = accessTokenFormat, header, algorithm } = options
  requireAccessTokenFormat('format', format)
  if (format === 'opaque' && (header !== undefined || algorithm !== undefined)) {
    throw new TypeError('"header" and "algorithm" must not be given for an opaque token')
  }
  if (subject !== undefined && subject !== 'user' && subject !== 'client') {
    throw new TypeError('"subject" must be "user" or "client"')
  }
  if (subject === 'user' && users.length === 0) {
    throw new TypeError('"subject" is "user", but "users" is empty: add a user, or use "client"')
  }
}
