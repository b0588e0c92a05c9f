/**
 * What an endpoint can do wrong on demand; see `AuthorizationServer.fail`.
 *
 * Where a fault is about the way in which an answer arrives, its status, headers and body are the
 * true ones of the moment of the request.
 */
export type Fault = FaultName | StatusFault | DelayFault | SlowBodyFault | RedirectFault

/**
 * A fault that needs nothing else said.
 *
 * At every endpoint:
 * - `'reset'`: the connection is reset without an answer (`ECONNRESET`). For a closed port
 *   (`ECONNREFUSED`), see `AuthorizationServer.suspend`.
 * - `'hang'`: the request is taken and never answered.
 * - `'stalled-body'`: headers, half of the true body, then nothing.
 * - `'garbage'`: 200, `application/json`, and bytes that are neither JSON nor UTF-8.
 * - `'html'`: 200, `text/html`, a login page, as a captive portal or a proxy would send it.
 * - `'redirect'`: 302 to another path of this server that gives the true answer; the request that
 *   follows it is counted as one more for the endpoint.
 * - `'oversized'`: the true answer grown to 50,000,000 bytes without `Content-Length`, sent as fast as the
 *   client reads: valid JSON, unless the true answer is a signed introspection response.
 * - `'endless'`: the start of a JSON object that never ends, sent as fast as the client reads.
 *
 * At `jwks` alone:
 * - `'no-keys'`: a key set that is empty.
 * - `'bad-key'`: a key that cannot be used (its point is not on its curve) before the true ones.
 * - `'many-keys'`: 10,000 keys, the true ones last; the others are copies under another `kid`.
 *
 * At `discovery` alone:
 * - `'wrong-issuer'`: the true metadata, but in the name of another issuer.
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

/** An error status instead of the answer. */
export interface StatusFault {
  /** From 400 to 599. */
  readonly status: number
  /** Whole seconds for `Retry-After`, at least 0. Default: no such header. */
  readonly retryAfter?: number | undefined
}

/** The true answer, late. */
export interface DelayFault {
  /** Milliseconds until the answer starts, 1 to 2,147,483,647. */
  readonly delay: number
}

/** The headers at once, then the true body one byte at a time. */
export interface SlowBodyFault {
  /** Milliseconds before each byte, 1 to 2,147,483,647. */
  readonly slowBody: number
}

/** 302 to somewhere else. */
export interface RedirectFault {
  /** An absolute http or https URL. */
  readonly redirect: string
}
