import { randomUUID } from 'node:crypto'
import { rejectUnknownOptions, requireObjects } from '../../known-options.js'
import type { ServerSettings } from '../options.js'
import type { LoggedOut } from '../sessions/logout-tokens.js'
import type { Sessions } from '../sessions/sessions.js'
import { type EventTokenOptions, requireEventTokenOptions } from '../tokens/event-token-options.js'
import type { ClaimOverrides } from '../tokens/issue-token-options.js'
import type { SigningKeys } from '../tokens/signing-keys.js'
import type { TokenIssuer } from '../tokens/token-issuer.js'
import { eventType } from './event-names.js'

/** An event, and how its security event token differs from a correct one. */
export interface TestSecurityEvent extends EventTokenOptions {
  /**
   * The event: `session-revoked`, `credential-change`, `token-claims-change`,
   * `assurance-level-change` (CAEP), `account-disabled`, `account-purged`, `sessions-revoked`
   * (RISC), or the URI of another event. Default `session-revoked`.
   */
  event?: string | undefined
  /** The members of the event. Default: `event_timestamp`, the current time in seconds. */
  payload?: object | undefined
  /**
   * The claim `sub_id`. Default: the first user, with the user's most recent session if the event is
   * `session-revoked`.
   */
  subject?: object | undefined
  /**
   * Claims that override the default claims, without validation. A claim that is set to `undefined`
   * is left out.
   */
  claims?: ClaimOverrides | undefined
}

export interface SecurityEventSources {
  readonly issuer: string
  readonly settings: ServerSettings
  readonly keys: SigningKeys
  readonly tokens: TokenIssuer
  readonly sessions: Sessions
}

/** A signed event, and its `jti`, with which a receiver acknowledges it. */
export interface SignedEvent {
  readonly id: string
  readonly token: string
}

const TYPE = 'secevent+jwt'
export const DEFAULT_EVENT = 'session-revoked'
const MEMBERS = ['event', 'payload', 'subject', 'claims', 'header', 'algorithm', 'forged']

/** Creates security event tokens (RFC 8417, SSF 1.0 §4). */
export class SecurityEventTokens {
  readonly #sources: SecurityEventSources

  constructor(sources: SecurityEventSources) {
    this.#sources = sources
  }

  /** Returns the subject identifier of a session, or of a user with all sessions (RFC 9493). */
  subjectOf({ user, subject, id }: LoggedOut): object {
    const { issuer, tokens, settings } = this.#sources
    const [client] = settings.clients
    const named = user === undefined ? { sub: subject, sid: id } : tokens.identity(client, user, id)
    const userId = { format: 'iss_sub', iss: issuer, sub: named.sub }
    if (named.sid === undefined) return userId
    return { format: 'complex', user: userId, session: { format: 'opaque', id: named.sid } }
  }

  /** @throws {TypeError} that names the unknown or invalid member and the rule. */
  require(given: TestSecurityEvent): void {
    rejectUnknownOptions('a security event', given, MEMBERS)
    const { event = DEFAULT_EVENT, payload, subject, claims, ...options } = given
    eventType(event)
    requireEventTokenOptions('a security event', options)
    requireObjects({ payload, subject, claims })
  }

  /** Signs an event, after {@link require}. */
  async sign(given: TestSecurityEvent, audience: string): Promise<SignedEvent> {
    this.require(given)
    const { event = DEFAULT_EVENT, payload, subject, claims = {}, ...options } = given
    const { issuer, settings, keys } = this.#sources
    const now = Math.floor(settings.now() / 1000)
    const all: Record<string, unknown> = {
      iss: issuer,
      aud: audience,
      iat: now,
      jti: randomUUID(),
      events: { [eventType(event)]: payload ?? { event_timestamp: now } },
      sub_id: subject ?? this.#defaultSubject(event),
      ...claims,
    }
    const { header, algorithm, forged = false } = options
    const members = { typ: TYPE, ...header }
    const token = forged
      ? await keys.forge(all, members, algorithm)
      : (await keys.sign(all, members, algorithm)).token
    return { id: typeof all.jti === 'string' ? all.jti : randomUUID(), token }
  }

  #defaultSubject(event: string): object | undefined {
    const { settings, sessions } = this.#sources
    const [user] = settings.users
    if (user === undefined) return undefined
    const session = event === DEFAULT_EVENT ? sessions.of(user)[0] : undefined
    return this.subjectOf(session ?? { user })
  }
}
