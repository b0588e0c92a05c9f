/**
 * A fault that `AuthorizationServer.fail` can inject at an endpoint.
 *
 * With a fault that only delays or interrupts the response (`'stalled-body'`, `delay` and
 * `slowBody`), the server sends the response that was correct when the request arrived. A later
 * change of the server, such as a key rotation, does not change this response.
 */
export type Fault = FaultName | StatusFault | DelayFault | SlowBodyFault | RedirectFault

/**
 * A fault without parameters.
 *
 * At every endpoint:
 * - `'reset'`: the server resets the connection without a response (`ECONNRESET`). To close the
 *   port (`ECONNREFUSED`), use `AuthorizationServer.suspend`.
 * - `'hang'`: the server accepts the request and never responds.
 * - `'stalled-body'`: the server sends the headers and half of the correct body, and never sends
 *   the rest.
 * - `'garbage'`: the server responds with 200, `application/json`, and bytes that are neither JSON
 *   nor UTF-8.
 * - `'html'`: the server responds with 200, `text/html`, and a login page such as that of a captive
 *   portal or a proxy.
 * - `'redirect'`: the server responds with 302. The redirect leads to another path of this server,
 *   which returns the correct response. A request to that path is counted for the endpoint, too.
 * - `'oversized'`: the server pads the correct body to 50,000,000 bytes and sends it without
 *   `Content-Length`, as fast as the client reads. The padded body is valid JSON if the correct
 *   body is a JSON object.
 * - `'endless'`: the server sends the start of a JSON object that never ends, as fast as the client
 *   reads.
 *
 * Only at `jwks`:
 * - `'no-keys'`: the key set is empty.
 * - `'bad-key'`: the first key of the key set is invalid, because its point is not on its curve.
 *   The correct keys follow.
 * - `'many-keys'`: the key set has 10,000 keys. The correct keys come last; the others are copies
 *   of the first correct key, each with another `kid`.
 *
 * Only at `discovery`:
 * - `'wrong-issuer'`: the metadata is correct except for its `issuer`.
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

/** The server responds with an error status instead of the correct response. */
export interface StatusFault {
  /** The HTTP status, 400 to 599. */
  readonly status: number
  /**
   * The value of the header `Retry-After`, in whole seconds, at least 0. Default: the response has
   * no such header.
   */
  readonly retryAfter?: number | undefined
}

/** The server delays the correct response. */
export interface DelayFault {
  /** Delay before the response starts, in milliseconds; 1 to 2,147,483,647. */
  readonly delay: number
}

/** The server sends the headers immediately, and then the correct body one byte at a time. */
export interface SlowBodyFault {
  /** Delay before each byte, in milliseconds; 1 to 2,147,483,647. */
  readonly slowBody: number
}

/** The server responds with a redirect (302) to a given URL. */
export interface RedirectFault {
  /** The value of the header `Location`: an absolute http or https URL. */
  readonly redirect: string
}
