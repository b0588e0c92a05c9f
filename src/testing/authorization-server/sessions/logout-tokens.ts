import { randomUUID } from 'node:crypto'
import type { ServerSettings } from '../options.js'
import { type EventTokenOptions, requireEventTokenOptions } from '../tokens/event-token-options.js'
import type { ClaimOverrides } from '../tokens/issue-token-options.js'
import type { SigningKeys } from '../tokens/signing-keys.js'
import type { TestClient } from '../tokens/test-accounts.js'
import type { TokenIssuer } from '../tokens/token-issuer.js'
import type { Session, Sessions } from './sessions.js'

/** The member of `events` that makes a token a logout token. */
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const LOGOUT_TOKEN_TYPE = 'logout+jwt'
/** The specification recommends at most two minutes (§2.4). */
const LIFETIME_SECONDS = 120

/** The session that a logout token names, or a user with all sessions. */
export type LoggedOut = Pick<Session, 'user' | 'subject'> & { readonly id?: string | undefined }

export interface LogoutTokenSources {
  readonly issuer: string
  readonly settings: ServerSettings
  readonly keys: SigningKeys
  readonly tokens: TokenIssuer
  readonly sessions: Sessions
}

/** Creates logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4). */
export class LogoutTokens {
  readonly #sources: LogoutTokenSources

  constructor(sources: LogoutTokenSources) {
    this.#sources = sources
  }

  /** Returns a correct logout token for a client. */
  async create(client: TestClient, loggedOut: LoggedOut): Promise<string> {
    const { token } = await this.#sources.keys.sign(this.#claims(client, loggedOut), {
      typ: LOGOUT_TOKEN_TYPE,
    })
    return token
  }

  /** Implements `AuthorizationServer.issueLogoutToken`. */
  async custom(overrides: ClaimOverrides, options: EventTokenOptions): Promise<string> {
    requireEventTokenOptions('issueLogoutToken', options)
    const { settings, sessions, keys } = this.#sources
    const [client] = settings.clients
    const [user] = settings.users
    const loggedOut = user === undefined ? {} : (sessions.of(user)[0] ?? { user })
    const claims = { ...this.#claims(client, loggedOut), ...overrides }
    const { header, algorithm, forged = false } = options
    const members = { typ: LOGOUT_TOKEN_TYPE, ...header }
    if (forged) return keys.forge(claims, members, algorithm)
    return (await keys.sign(claims, members, algorithm)).token
  }

  #claims(client: TestClient, { user, subject, id }: LoggedOut): ClaimOverrides {
    const { issuer, settings, tokens } = this.#sources
    const iat = Math.floor(settings.now() / 1000)
    const named = user === undefined ? { sub: subject, sid: id } : tokens.identity(client, user, id)
    return {
      iss: issuer,
      aud: client.clientId,
      iat,
      exp: iat + LIFETIME_SECONDS,
      jti: randomUUID(),
      events: { [LOGOUT_EVENT]: {} },
      ...named,
    }
  }
}
