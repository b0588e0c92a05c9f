import type { TestSecurityEvent } from './security-event-tokens.js'
import type { SentSecurityEvent } from './streams.js'

/** The methods of an `AuthorizationServer` with which a test reports security events. */
export interface SecurityEventMethods {
  /**
   * The URL of the metadata of the server as a transmitter of the Shared Signals Framework
   * (SSF 1.0 §7). It names the endpoint at which a receiver creates a stream, with an access token
   * of this server.
   */
  readonly ssfConfigurationUrl: string
  /**
   * Issues a security event token (RFC 8417), without a request and without transmitting it. Its
   * `aud` is the ID of the first client.
   *
   * ```ts
   * const token = await server.issueSecurityEvent({ event: 'account-disabled' })
   * const wrong = [
   *   await server.issueSecurityEvent({ claims: { aud: 'another-client' } }),
   *   await server.issueSecurityEvent({ header: { typ: 'at+jwt' } }),
   *   await server.issueSecurityEvent({ forged: true }),
   * ]
   * ```
   *
   * @throws {TypeError} if a member is unknown or invalid
   */
  issueSecurityEvent(event?: TestSecurityEvent): Promise<string>
  /**
   * Transmits an event on each enabled stream that requests it, each in a token for the client of
   * the stream. `endSession` transmits `session-revoked`, and `disableUser` transmits
   * `account-disabled`.
   *
   * A push stream gets an event at most three times, until its receiver responds with a status that
   * is neither 429 nor 500 or more. A poll stream keeps the event until its receiver acknowledges
   * it. A paused stream keeps its events; a disabled stream drops them.
   *
   * @returns the tokens, one for each stream, with the response of the receiver if it is a push
   *   stream that is enabled.
   * @throws {TypeError} if a member is unknown or invalid
   */
  sendSecurityEvent(event?: TestSecurityEvent): Promise<SentSecurityEvent[]>
}
