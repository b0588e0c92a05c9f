/** Defines what a received security event tells the application. */

/** A security event that was received. Times are in seconds since the epoch. */
export interface SecurityEvent {
  /** Identifier of the transmitter: the claim `iss`. */
  readonly issuer: string
  /** The claim `jti`. */
  readonly id: string
  /**
   * Name of the event, such as
   * `https://schemas.openid.net/secevent/caep/event-type/session-revoked`.
   */
  readonly type: string
  /** The subject, as the transmitter sent it, deeply frozen; `undefined` if there is none. */
  readonly subject: Readonly<Record<string, unknown>> | undefined
  /** The members of the event, as the transmitter sent them, deeply frozen. */
  readonly payload: Readonly<Record<string, unknown>>
  /** The claim `iat`. */
  readonly issuedAt: number
  /** When the event occurred: `event_timestamp` or `toe`, at most `iat`; `iat` without them. */
  readonly occurredAt: number
  /**
   * The claim `txn`, which is equal in all tokens about one cause (RFC 8417 §2.2); `undefined` if it
   * is absent or no string.
   */
  readonly transactionId: string | undefined
  /**
   * `revoked`: tokens were revoked. `unmapped`: the event revokes tokens, but its subject names no
   * user or session of a token issuer. `ignored`: this type of event revokes nothing. `duplicate`:
   * the token was received before, and nothing was done again.
   */
  readonly outcome: 'revoked' | 'unmapped' | 'ignored' | 'duplicate'
  /** Which tokens were revoked; `undefined` unless `outcome` is `revoked`. */
  readonly revoked: 'session' | 'user' | 'token' | undefined
}
