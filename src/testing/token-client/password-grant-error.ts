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
 * The error of a failed password grant.
 *
 * Neither the message nor any property contains the username, the password, the client secret or a
 * JWT, even if the server echoes them unchanged or in an encoding in which the client sent them.
 *
 * @see RFC 6749 §5.2
 */
export class PasswordGrantError extends Error {
  override readonly name = 'PasswordGrantError'

  /**
   * The server's OAuth error code, such as `invalid_grant`, or a code of `passwordGrant` itself:
   *
   * - `timeout`: no complete response arrived within the time limit.
   * - `unreachable`: the connection could not be established, or broke.
   * - `invalid_response`: the response is a redirect, is larger than 1 MiB, or does not conform to
   *   RFC 6749 §5 or RFC 8414 §3.2.
   */
  readonly error: string

  /** The HTTP status of the response. Absent if there is no response. */
  declare readonly status?: number

  /**
   * The server's description of the error, without credentials and control characters; at most 300
   * characters. Absent if the server sent none.
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
