/** What {@link PasswordGrantError} is made of. */
export interface PasswordGrantErrorDetails {
  error: string
  summary: string
  hint: string
  status?: number | undefined
  errorDescription?: string | undefined
  cause?: unknown
}

/**
 * A password grant that brought no token.
 *
 * Neither the message nor any property carries the username, the password, the client's secret or
 * a token, even where the server sends them back.
 *
 * @see RFC 6749 §5.2
 */
export class PasswordGrantError extends Error {
  override readonly name = 'PasswordGrantError'

  /**
   * The server's OAuth error code, such as `invalid_grant`, or one of this helper's own:
   * `timeout` (no complete answer in time), `unreachable` (no connection, or one that broke),
   * `invalid_response` (an answer that is not one of RFC 6749 §5 or RFC 8414 §3.2).
   */
  readonly error: string

  /** The HTTP status, where there was an answer. */
  declare readonly status?: number

  /** The server's own text, without credentials and control characters; at most 300 characters. */
  declare readonly errorDescription?: string

  /** What to do next. */
  readonly hint: string

  /** @internal */
  constructor({
    error,
    summary,
    hint,
    status,
    errorDescription,
    cause,
  }: PasswordGrantErrorDetails) {
    const said = errorDescription === undefined ? '' : ` The server says: "${errorDescription}"`
    super(`${error}: ${summary}.${said} ${hint}`, cause === undefined ? undefined : { cause })
    this.error = error
    this.hint = hint
    if (status !== undefined) this.status = status
    if (errorDescription !== undefined) this.errorDescription = errorDescription
  }
}
