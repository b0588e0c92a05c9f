import { rejectUnknownOptions } from '../../known-options.js'
import type { Scope } from '../../scope-values.js'
import {
  type AccessTokenFormat,
  requireAccessTokenFormat,
  type ServerSettings,
} from '../options.js'
import {
  type HeaderOverrides,
  requireSigningAlgorithm,
  type SigningAlgorithm,
} from './signing-keys.js'
import type { TokenConfirmation } from './token-confirmation.js'
import type { TokenEncryption } from './token-encryption.js'

/** Claims that override the default claims. A claim that is set to `undefined` is left out. */
export type ClaimOverrides = { readonly [name: string]: unknown }

/** Options of `AuthorizationServer.issueToken`. */
export interface IssueTokenOptions {
  /**
   * The subject of the token: `'user'` for the first user, or `'client'` for the first client
   * itself, as with the client credentials grant. Default: `'user'` if there is a user, otherwise
   * `'client'`.
   */
  subject?: 'user' | 'client' | undefined
  /**
   * The scope of the token. The profile determines which claim contains it. Default: every value
   * that both the client and the user may be granted, except the values of OpenID Connect.
   */
  scope?: Scope | undefined
  /**
   * Lifetime of the token (`exp` − `iat`), in seconds. A token with a lifetime of 0 or less is
   * already expired. Default: the server's `accessTokenLifetime`.
   */
  expiresIn?: number | undefined
  /** The format of the token. Default: the server's `accessTokenFormat`. */
  format?: AccessTokenFormat | undefined
  /**
   * Members that override those of the JWS header. A member that is set to `undefined` is left out.
   * Must not be set for an opaque token.
   */
  header?: HeaderOverrides | undefined
  /**
   * The signature algorithm. If the server has no published key for it, the server generates and
   * publishes one. Default: the algorithm of the current key. Must not be set for an opaque token.
   */
  algorithm?: SigningAlgorithm | undefined
  /**
   * The key or certificate to which the claim `cnf` binds the token. Default: the token is a bearer
   * token. To issue a `cnf` that no server would issue, set the claim `cnf` instead.
   */
  confirmation?: TokenConfirmation | undefined
  /**
   * The key and algorithms with which this token is encrypted; `false` for a token that is not
   * encrypted. Default: the server's `encryption`. Must be absent or `false` for an opaque token.
   */
  encryption?: TokenEncryption | false | undefined
}

const KNOWN_OPTIONS = [
  'subject',
  'scope',
  'expiresIn',
  'format',
  'header',
  'algorithm',
  'confirmation',
  'encryption',
]

/**
 * Checks the options except `scope`, `confirmation`, the members of `encryption` and the values of
 * `header`.
 *
 * @throws {TypeError} that names the unknown or invalid option and the rule.
 */
export function requireIssueTokenOptions(
  options: IssueTokenOptions,
  { accessTokenFormat, users }: ServerSettings,
): void {
  rejectUnknownOptions('issueToken', options, KNOWN_OPTIONS)
  const { subject, format = accessTokenFormat, algorithm, expiresIn } = options
  requireAccessTokenFormat('format', format)
  if (format === 'opaque') rejectJwtOptions(options)
  if (algorithm !== undefined) requireSigningAlgorithm(algorithm)
  if (expiresIn !== undefined && !Number.isFinite(expiresIn)) {
    throw new TypeError('"expiresIn" must be a number of seconds')
  }
  if (subject !== undefined && subject !== 'user' && subject !== 'client') {
    throw new TypeError('"subject" must be "user" or "client"')
  }
  if (subject === 'user' && users.length === 0) {
    throw new TypeError('"subject" is "user", but "users" is empty: add a user, or use "client"')
  }
}

function rejectJwtOptions({ header, algorithm, encryption }: IssueTokenOptions): void {
  if (header === undefined && algorithm === undefined && !encryption) return
  throw new TypeError(
    '"header", "algorithm" and "encryption" must not be given for an opaque token: remove them, or set "format" to "jwt"',
  )
}
