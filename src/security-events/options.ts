/** Defines and validates the options for logout tokens. */
import { members, numberIn, reject, strings } from '../base/check.js'

/**
 * Options of `revokeByLogoutToken()`.
 *
 * @example
 * ```ts
 * await app.resourceServer.revokeByLogoutToken(token, { clientId: 'web-app', revokes: 'user' })
 * ```
 */
export interface LogoutTokenOptions {
  /**
   * The client or clients whose users are logged out: `aud` of the logout token must contain one of
   * these client IDs. An issuer sends a logout token to a client, so `aud` is not the audience of
   * this API.
   */
  clientId: string | readonly string[]

  /**
   * Which access tokens a logout token revokes. `'session'`: the tokens of the session `sid`; all
   * tokens of the user `sub` if the logout token has no `sid`. `'user'`: all tokens of the user
   * `sub`, of other sessions as well; the tokens of the session if the logout token has no `sub`.
   * Choose `'user'` if the access tokens of the issuer have no session ID, as those of Auth0 and
   * Okta. Default `'session'`.
   */
  revokes?: 'session' | 'user'

  /**
   * Maximum time since the `iat` of a logout token, in whole seconds; `clockTolerance` is added.
   * Default 300; 10 to 3,600.
   */
  maxAge?: number
}

/** Validated {@link LogoutTokenOptions} with all defaults. */
export interface ResolvedLogoutTokenOptions {
  readonly clientIds: ReadonlySet<string>
  readonly revokes: 'session' | 'user'
  readonly maxAge: number
}

/**
 * Validates the options of `revokeByLogoutToken()`.
 *
 * @throws {TypeError} if an option is invalid; the message names the option and the fix.
 */
export function resolveLogoutTokenOptions(given: LogoutTokenOptions): ResolvedLogoutTokenOptions {
  const options = members(
    'options of revokeByLogoutToken()',
    given,
    ['clientId', 'revokes', 'maxAge'],
    "must be an object with clientId, such as { clientId: 'web-app' }",
  )
  const { clientId, revokes, maxAge } = options
  return resolveLogoutRules('', 'clientId', { clientIds: clientId, revokes, maxAge })
}

/**
 * Validates the rules for logout tokens.
 *
 * @param prefix precedes the names of options in messages.
 * @param clientsName name of the option with the client IDs.
 * @throws {TypeError} if an option is invalid; the message names the option and the fix.
 */
export function resolveLogoutRules(
  prefix: string,
  clientsName: string,
  { clientIds, revokes = 'session', maxAge = 300 }: LogoutRules,
): ResolvedLogoutTokenOptions {
  if (revokes !== 'session' && revokes !== 'user') {
    return reject(`${prefix}revokes`, "must be 'session' or 'user'")
  }
  return Object.freeze({
    clientIds: new Set(
      strings(`${prefix}${clientsName}`, clientIds, 'the client IDs in "aud" of logout tokens'),
    ),
    revokes,
    maxAge: numberIn(`${prefix}maxAge`, maxAge, { minimum: 10, maximum: 3_600, unit: 'seconds' }),
  })
}

interface LogoutRules {
  readonly clientIds: unknown
  readonly revokes: unknown
  readonly maxAge: unknown
}
