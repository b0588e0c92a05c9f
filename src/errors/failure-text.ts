/** Describes a failure for operators, including the nested causes that carry the actual reason. */

import { isError } from '../base/native-error.js'
import { printable } from './rejection-reason.js'

/** Enough for the errors of three metadata URLs. */
const MAX_LENGTH = 4_000
const MAX_DEPTH = 5

/**
 * Returns the message of an error and those of its causes: `fetch failed: connect ECONNREFUSED
 * 127.0.0.1:443`. One line, escaped, at most 4,000 characters. Adds the code of a system error if
 * its message lacks it.
 */
export function failureText(error: unknown): string {
  return printable(messagesOf(error, 0).join(': ') || 'no response', MAX_LENGTH)
}

/** Returns the code of the underlying system error, such as `ECONNREFUSED`. */
export function failureCode(error: unknown, depth = 0): string | undefined {
  if (!isError(error) || depth > MAX_DEPTH) return undefined
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)
    ? code
    : (failureCode(error.cause, depth + 1) ?? failureCode(firstOf(error), depth + 1))
}

function messagesOf(error: unknown, depth: number): string[] {
  if (!isError(error) || depth > MAX_DEPTH) return []
  const { message, cause } = error
  const code = (error as NodeJS.ErrnoException).code
  const messages = typeof code === 'string' && !message.includes(code) ? [message, code] : [message]
  // After failing at several addresses of a host, Node throws an AggregateError without a message.
  const causes = messagesOf(cause ?? firstOf(error), depth + 1)
  return [...messages.filter((text) => text !== ''), ...causes]
}

/** Returns the first error of an `AggregateError` of any realm. */
function firstOf(error: Error): unknown {
  const { errors } = error as Partial<AggregateError>
  return Array.isArray(errors) ? errors[0] : undefined
}
