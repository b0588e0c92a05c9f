/**
 * Makes errors of Redis clients safe to log. The errors of ioredis and node-redis have the command
 * and its arguments as properties, including stored data, and some servers quote arguments in the
 * message.
 */
import { withoutData } from './store-error.js'

/** Returns the text, followed by the last error of a connection, if there is one. */
export function withLastError(text: string, lastError: string | undefined): string {
  return lastError === undefined ? text : `${text}: ${lastError}`
}

/** An error with only the code and the redacted message of the client's error. */
export class RedisError extends Error {
  override readonly name = 'RedisError'
  /** Code such as `ECONNREFUSED`, or the first word of Redis' error reply, such as `NOPERM`. */
  readonly code: string | undefined

  constructor(error: unknown) {
    const { message, code } = partsOf(error)
    super(message)
    this.code = code
  }
}

function partsOf(error: unknown): { message: string; code: string | undefined } {
  try {
    const { message, code } = error as Record<string, unknown>
    // If a connection fails at several addresses of a host, Node's error has a code but no message.
    const text = typeof message === 'string' ? withoutData(message) : ''
    const known = codeOf(code) ?? codeOf(text.split(' ', 1)[0])
    return { message: text || `Redis failed: ${known ?? 'no reason given'}`, code: known }
  } catch {
    return { message: 'Redis failed: no reason given', code: undefined }
  }
}

function codeOf(code: unknown): string | undefined {
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,39}$/.test(code) ? code : undefined
}
