import type { EventTokenOptions } from '../tokens/event-token-options.js'
import type { ClaimOverrides } from '../tokens/issue-token-options.js'
import type { SentLogoutToken, SessionSelector } from './session-control.js'

/** The methods of an `AuthorizationServer` with which a test ends sessions of users. */
export interface SessionMethods {
  /**
   * Issues a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4) for the first client and the
   * first user, without a request. Its `sid` is that of the user's most recent active session; if
   * there is none, or ID tokens of the profile have no `sid`, the token has only `sub`. No session
   * ends.
   *
   * ```ts
   * const wrong = [
   *   await server.issueLogoutToken({ nonce: 'n' }),
   *   await server.issueLogoutToken({ events: undefined }),
   *   await server.issueLogoutToken({}, { header: { typ: 'at+jwt' } }),
   *   await server.issueLogoutToken({}, { forged: true }),
   * ]
   * ```
   *
   * @param claims Claims that override the default claims, without validation. A claim that is set
   *   to `undefined` is left out.
   * @throws {TypeError} if an option is unknown or invalid
   */
  issueLogoutToken(claims?: ClaimOverrides, options?: EventTokenOptions): Promise<string>
  /**
   * Sets the back-channel logout URI of a client, when the URL of the API is known only after the
   * start of this server. `undefined` removes the URI.
   *
   * @param clientId Default: the first client.
   * @throws {TypeError} if the URI is not an http or https URL without a fragment, or the client is
   *   unknown
   */
  setBackchannelLogoutUri(uri: string | undefined, clientId?: string): void
  /**
   * Ends a session, or all sessions of a user: refresh tokens are revoked, and the introspection
   * endpoint reports access tokens as inactive. Each sign-in is a session, and so is each call of
   * `issueToken` for a user, unless the claim `sid` names another one.
   *
   * The server sends a logout token to each client that has a back-channel logout URI: with `sid`
   * and `sub` for one session, if ID tokens of the profile have `sid`; with `sub` only for all
   * sessions. A client that does not respond within 5 seconds does not make the call fail. On
   * streams of security events, the server transmits `session-revoked`: see `sendSecurityEvent`.
   *
   * ```ts
   * const [sent] = await server.endSession({ user: testUser.username })
   * console.log(sent?.status, sent?.body)
   * ```
   *
   * @returns the logout tokens, each with the response of its client.
   * @throws {TypeError} if there is not exactly one of `sid` and `user`, or if the session or user is
   *   unknown, or the session has ended
   */
  endSession(selector: SessionSelector): Promise<SentLogoutToken[]>
  /**
   * Disables a user for good: ends all sessions of the user as {@link endSession} does, and rejects
   * later sign-ins with `invalid_grant`. `issueToken` still issues tokens for the user, which
   * the introspection endpoint reports as inactive. On streams of security events, the server
   * transmits `account-disabled`.
   *
   * @returns the logout tokens, each with the response of its client.
   * @throws {TypeError} if the user is unknown
   */
  disableUser(username: string): Promise<SentLogoutToken[]>
}
