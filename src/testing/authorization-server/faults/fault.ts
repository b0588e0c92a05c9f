/**
 * A fault that can be injected at an endpoint; see `AuthorizationServer.fail`.
 *
 * Faults of delivery, such as delays and slow bodies, keep the status, headers and body of the
 * correct response at the time of the request.
 */
export type Fault = FaultName | StatusFault | DelayFault | SlowBodyFault | RedirectFault

/**
 * A fault without parameters.
 *
 * At every endpoint:
 * - `'reset'`: the connection is reset without a response (`ECONNRESET`). For a closed port
 *   (`ECONNREFUSED`), see `AuthorizationServer.suspend`.
 * - `'hang'`: the request is accepted and never gets a response.
 * - `'stalled-body'`: headers, half of the correct body, then nothing.
 * - `'garbage'`: 200, `application/json`, and bytes that are neither JSON nor UTF-8.
 * - `'html'`: 200, `text/html`, a login page like that of a captive portal or a proxy.
 * - `'redirect'`: 302 to another path of this server that returns the correct response; the request
 *   that follows it is counted as one more for the endpoint.
 * - `'oversized'`: the correct response padded to 50,000,000 bytes without `Content-Length`, sent
 *   as fast as the client reads: valid JSON, unless the response is a signed introspection
 *   response.
 * - `'endless'`: the start of a JSON object that never ends, sent as fast as the client reads.
 *
 * Only at `jwks`:
 * - `'no-keys'`: an empty key set.
 * - `'bad-key'`: an invalid key (its point is not on its curve) before the correct ones.
 * - `'many-keys'`: 10,000 keys, the correct ones last; the others are copies under another `kid`.
 *
 * Only at `discovery`:
 * - `'wrong-issuer'`: the correct metadata with another `issuer`.
 */
export type FaultName =
  | 'reset'
  | 'hang'
  | 'stalled-body'
  | 'garbage'
  | 'html'
  | 'redirect'
  | 'oversized'
  | 'endless'
  | 'no-keys'
  | 'bad-key'
  | 'many-keys'
  | 'wrong-issuer'

/** An error status instead of the correct response. */
export interface StatusFault {
  /** The HTTP status, 400 to 599. */
  readonly status: number
  /** The value of `Retry-After` in whole seconds, at least 0. Default: no such header. */
  readonly retryAfter?: number | undefined
}

/** The correct response, delayed. */
export interface DelayFault {
  /** Delay before the response starts, in milliseconds, 1 to 2,147,483,647. */
  readonly delay: number
}

/** The headers immediately, then the correct body one byte at a time. */
export interface SlowBodyFault {
  /** Delay before each byte, in milliseconds, 1 to 2,147,483,647. */
  readonly slowBody: number
}

/** A redirect (302) to another URL. */
export interface RedirectFault {
  /** The value of `Location`: an absolute http or https URL. */
  readonly redirect: string
}
