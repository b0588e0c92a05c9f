import type { Locations } from '../endpoints/metadata.js'
import { uncached } from '../http/http-response.js'
import { addRoute, type Routes } from '../http/router.js'
import { basePath } from '../options.js'
import type { LoggedOut } from '../sessions/logout-tokens.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'
import {
  type SecurityEventSources,
  SecurityEventTokens,
  type TestSecurityEvent,
} from './security-event-tokens.js'
import { StreamEndpoints } from './stream-endpoints.js'
import { type SentSecurityEvent, Streams } from './streams.js'
import { transmitterMetadata } from './transmitter-metadata.js'

export interface TransmitterSources extends Omit<SecurityEventSources, 'issuer'> {
  readonly routes: Routes
  readonly locations: Locations
  readonly issued: IssuedTokens
}

/** The events that the end of sessions causes. */
export type ReportedEvent = 'session-revoked' | 'account-disabled'

/** The server as a transmitter of the Shared Signals Framework (SSF 1.0). */
export class Transmitter {
  readonly #tokens: SecurityEventTokens
  readonly #streams: Streams
  readonly #firstClientId: string
  readonly #closing = new AbortController()

  constructor({ routes, locations, issued, ...sources }: TransmitterSources) {
    const { issuer } = locations
    const { issuerPath, clients } = sources.settings
    const path = basePath(issuerPath)
    const base = `${path}/v1/ssf`
    this.#firstClientId = clients[0].clientId
    this.#tokens = new SecurityEventTokens({ ...sources, issuer })
    this.#streams = new Streams(this.#tokens, this.#closing.signal)
    addRoute(routes, `/.well-known/ssf-configuration${path}`, {
      name: 'discovery',
      methods: ['GET', 'HEAD'],
      handle: () => uncached(200, transmitterMetadata(locations, new URL(base, issuer).href)),
    })
    new StreamEndpoints({ routes, issuer, streams: this.#streams, issued, base })
  }

  /** Implements `AuthorizationServer.issueSecurityEvent`. */
  async issue(event: TestSecurityEvent): Promise<string> {
    const { token } = await this.#tokens.sign(event, this.#firstClientId)
    return token
  }

  /** Implements `AuthorizationServer.sendSecurityEvent`. */
  async send(event: TestSecurityEvent): Promise<SentSecurityEvent[]> {
    this.#tokens.require(event)
    return this.#streams.transmit(event)
  }

  /** Reports that a session, or all sessions of a user, ended, or that a user was disabled. */
  report(event: ReportedEvent, about: LoggedOut): Promise<unknown> {
    return this.#streams.transmit({ event, subject: this.#tokens.subjectOf(about) })
  }

  /** Ends the requests to receivers that are in flight, and sends none from now on. */
  close(): void {
    this.#closing.abort(new Error('The server is closed'))
  }
}
