import { rejectUnknownOptions } from '../../known-options.js'
import { post } from '../http/outgoing-request.js'
import type { BrowserSessions } from '../login/browser-sessions.js'
import type { ReportedEvent, Transmitter } from '../security-events/transmitter.js'
import type { RefreshTokens } from '../tokens/refresh-tokens.js'
import type { TestClient, TestUser } from '../tokens/test-accounts.js'
import type { LoggedOut, LogoutTokens } from './logout-tokens.js'
import type { LogoutUris } from './logout-uris.js'
import type { Sessions } from './sessions.js'

/** The session that `AuthorizationServer.endSession` ends, or the user whose sessions it ends. */
export type SessionSelector =
  | {
      /** The ID of an active session: the claim `sid` of its tokens. */
      readonly sid: string
      readonly user?: undefined
    }
  | {
      /** The user name; all sessions of this user end. */
      readonly user: string
      readonly sid?: undefined
    }

/** A logout token that the server sent to a client, and the response of the client. */
export interface SentLogoutToken {
  /** The client to which the token was sent. */
  readonly clientId: string
  /** The back-channel logout URI of the client. */
  readonly uri: string
  /** The logout token. */
  readonly logoutToken: string
  /** The status of the response; `undefined` if there was no complete response. */
  readonly status?: number | undefined
  /** The first 4,096 characters of the response body. */
  readonly body?: string | undefined
  /** Why there was no complete response. */
  readonly error?: Error | undefined
}

export interface SessionControlSources {
  readonly users: readonly TestUser[]
  readonly sessions: Sessions
  readonly browserSessions: BrowserSessions
  readonly refreshTokens: RefreshTokens
  readonly logoutTokens: LogoutTokens
  readonly logoutUris: LogoutUris
  readonly transmitter: Transmitter
}

/**
 * Ends sessions, and tells clients by logout tokens (OpenID Connect Back-Channel Logout 1.0) and
 * receivers by security events (SSF 1.0).
 */
export class SessionControl {
  readonly #sources: SessionControlSources
  readonly #closing = new AbortController()

  constructor(sources: SessionControlSources) {
    this.#sources = sources
  }

  /** Implements `AuthorizationServer.endSession`. */
  async endSession(selector: SessionSelector): Promise<SentLogoutToken[]> {
    rejectUnknownOptions('endSession', selector, ['sid', 'user'])
    const { sid, user } = selector
    if ((sid === undefined) === (user === undefined)) {
      throw new TypeError('endSession requires either "sid" or "user"')
    }
    return user === undefined
      ? this.#endOne(sid)
      : this.#endAll(this.#requireUser('user', user), 'session-revoked')
  }

  /** Implements `AuthorizationServer.disableUser`. */
  async disableUser(username: string): Promise<SentLogoutToken[]> {
    const user = this.#requireUser('username', username)
    this.#sources.sessions.disable(user)
    return this.#endAll(user, 'account-disabled')
  }

  /** Ends the requests to clients that are in flight, and sends none from now on. */
  close(): void {
    this.#closing.abort(new Error('The server is closed'))
  }

  #endOne(sid: string): Promise<SentLogoutToken[]> {
    const session = this.#sources.sessions.find(sid)
    if (session === undefined) {
      throw new TypeError('"sid" must be the ID of an active session of this server')
    }
    this.#sources.refreshTokens.endSessions([sid])
    this.#sources.browserSessions.endWith(sid)
    return this.#notify(session, 'session-revoked')
  }

  #endAll(user: TestUser, event: ReportedEvent): Promise<SentLogoutToken[]> {
    const { sessions, browserSessions, refreshTokens } = this.#sources
    browserSessions.endOf(user)
    refreshTokens.endSessions(sessions.of(user).map(({ id }) => id))
    return this.#notify({ user }, event)
  }

  #requireUser(name: string, username: string): TestUser {
    const user = this.#sources.users.find((candidate) => candidate.username === username)
    if (user === undefined)
      throw new TypeError(`"${name}" must be the name of a user of this server`)
    return user
  }

  async #notify(loggedOut: LoggedOut, event: ReportedEvent): Promise<SentLogoutToken[]> {
    const { logoutUris, transmitter } = this.#sources
    const [sent] = await Promise.all([
      Promise.all(
        logoutUris.registered().map(({ client, uri }) => this.#send(client, uri, loggedOut)),
      ),
      transmitter.report(event, loggedOut),
    ])
    return sent
  }

  async #send(client: TestClient, uri: string, loggedOut: LoggedOut): Promise<SentLogoutToken> {
    const logoutToken = await this.#sources.logoutTokens.create(client, loggedOut)
    const sent = { clientId: client.clientId, uri, logoutToken }
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams({ logout_token: logoutToken }).toString()
    try {
      return { ...sent, ...(await post({ url: uri, headers, body }, this.#closing.signal)) }
    } catch (error) {
      return { ...sent, error: error as Error }
    }
  }
}
