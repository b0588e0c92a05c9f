/** Defines the options of a feed: the security events of one transmitter. */
import type { Algorithm } from '../base/algorithms.js'
import type { JwksOptions } from '../keys/options.js'
import type { EventEffect } from './event-types.js'
import type { SecurityEventPollOptions } from './poll-options.js'
import type { SubjectIdentifier } from './subject-identifier.js'

/**
 * The user or the session that a subject names. `issuer` is one of `tokenIssuers`; it may be omitted
 * if there is only one.
 */
export type ResolvedSubject =
  | {
      /** Identifier of the token issuer. */
      readonly issuer?: string
      /** The `sub` of access tokens or, where they differ, of ID tokens of the user. */
      readonly sub: string
    }
  | {
      /** Identifier of the token issuer. */
      readonly issuer?: string
      /** The session ID in access tokens. */
      readonly sid: string
    }

/**
 * Returns the user or the session that a subject names, whose tokens are then revoked; `undefined`
 * or `null` if there is none.
 *
 * @param subject the whole subject, as the transmitter sent it, deeply frozen. Its members have
 *   any type if its `format` is unknown.
 * @param eventType the name of the event, such as
 *   `https://schemas.openid.net/secevent/caep/event-type/session-revoked`.
 */
export type SubjectResolver = (
  subject: SubjectIdentifier,
  eventType: string,
) => ResolvedSubject | null | undefined | Promise<ResolvedSubject | null | undefined>

/**
 * Options of a feed: the security events of one transmitter (SSF 1.0, CAEP 1.0, RISC 1.0).
 *
 * @example
 * ```ts
 * const server = await createResourceServer({
 *   issuer: 'https://login.example.com',
 *   audience: 'https://api.example.com',
 *   securityEvents: {
 *     issuer: 'https://login.example.com',
 *     audience: 'https://api.example.com/events',
 *   },
 * })
 * const { outcome } = await server.receive(token)
 * ```
 */
export interface SecurityEventFeed {
  /**
   * Identifier of the transmitter, exactly as in the `iss` of its security event tokens: an https
   * URL (http on loopback) without query, fragment and credentials (SSF 1.0 §7.1).
   */
  issuer: string

  /**
   * The audience or audiences of the stream: `aud` of a security event token must contain one of
   * them, exactly. The transmitter defines it when the stream is created. It usually differs from
   * the audience of access tokens.
   */
  audience: string | readonly string[]

  /**
   * Identifiers of the trusted issuers whose tokens this transmitter may revoke, exactly as in the
   * `iss` of the tokens. A transmitter never revokes tokens of another issuer. Default: the trusted
   * issuer with the same identifier as the transmitter; otherwise required.
   */
  tokenIssuers?: string | readonly string[]

  /**
   * What is revoked if a subject names a session, a device or another part of a user's access:
   * `'session'`: the tokens of the session; nothing, if only a device, an application, a tenant or a
   * group is named. `'user'`: all tokens of the user, if the subject names the user. Choose `'user'`
   * if access tokens have no session ID, as those of Okta. Default `'session'`.
   */
  revokes?: 'session' | 'user'

  /**
   * Called for each subject that does not name a user or a session of `tokenIssuers` by itself, such
   * as an email address. Default: such an event is acknowledged and revokes nothing.
   */
  resolveSubject?: SubjectResolver

  /**
   * Changes what events do, by the name of the event: `'revoke'` revokes the tokens of the subject,
   * `'none'` only acknowledges and publishes the event. Default: `session-revoked`,
   * `token-claims-change`, `credential-change` and `assurance-level-change` (unless the level
   * increased) of CAEP, and `account-disabled`, `account-purged` and `sessions-revoked` of RISC
   * revoke.
   */
  effects?: Readonly<Record<string, EventEffect>>

  /**
   * Maximum time since the `iat` of a security event token, in whole seconds; `clockTolerance` is
   * added. A transmitter may deliver an event late, after an outage. Default 604,800 (a week); 60 to
   * 2,592,000.
   */
  maxAge?: number

  /**
   * Time without an accepted security event token after which {@link SecurityEventFeedStatus}
   * reports the feed as silent, in milliseconds. Request verification events from the transmitter
   * more often than that (SSF 1.0 §8.1.4). Default: never; 1,000 to 2,592,000,000.
   */
  maxSilence?: number

  /** Polls the transmitter for security event tokens (RFC 8936). Default: no polling. */
  poll?: SecurityEventPollOptions

  /**
   * Accepted signature algorithms. Default: those of the trusted issuer with this identifier; for
   * another transmitter, those that `algorithms` of an issuer has by default.
   */
  algorithms?: readonly Algorithm[]

  /**
   * URL of the transmitter's key set: https, or http on loopback. Default: the keys of the trusted
   * issuer with this identifier; otherwise `jwks_uri` in the transmitter's metadata
   * (`/.well-known/ssf-configuration`, SSF 1.0 §7).
   */
  jwksUri?: string

  /** Static keys of the transmitter, or options for fetching and caching its key set. */
  jwks?: JwksOptions

  /**
   * Whether the metadata and the keys may use plain http on hosts other than loopback. If true, an
   * attacker on the network path can forge events. Default false.
   */
  dangerouslyAllowHttp?: boolean
}
