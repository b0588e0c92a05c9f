/** The parts of a {@link PasswordGrantError}. */
export interface PasswordGrantErrorDetails {
  error: string
  summary: string
  hint: string
  status?: number | undefined
  errorDescription?: string | undefined
  cause?: unknown
}

/**
 * A failed password grant.
 *
 * Neither the message nor any property contains the username, the password, the client's secret or
 * a token, even if the server echoes them.
 *
 * @see RFC 6749 §5.2
 */
export class PasswordGrantError extends Error {
  override readonly name = 'PasswordGrantError'

  /**
   * The server's OAuth error code, such as `invalid_grant`, or a code of this helper: `timeout` (no
   * complete response in time), `unreachable` (connection failed or broke), `invalid_response` (not
   * a response of RFC 6749 §5 or RFC 8414 §3.2).
   */
  readonly error: string

  /** The HTTP status, absent without a response. */
  declare readonly status?: number

  /**
   * The server's error text, without credentials and control characters; at most 300 characters.
   */
  declare readonly errorDescription?: string

  /** The recommended fix. */
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
    const serverText =
      errorDescription === undefined ? '' : ` Server message: "${errorDescription}"`
    super(`${error}: ${summary}.${serverText} ${hint}`, cause === undefined ? undefined : { cause })
    this.error = error
    this.hint = hint
    if (status !== undefined) this.status = status
    if (errorDescription !== undefined) this.errorDescription = errorDescription
  }
}
