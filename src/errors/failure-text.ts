/** Why something failed, in words for operators: with the causes that platforms hide their reason in. */

import { isError } from '../base/native-error.js'
import { printable } from './rejection-reason.js'

/** Far beyond the sum of what three metadata URLs answered. */
const MAX_LENGTH = 4_000
const MAX_DEPTH = 5

/**
 * The message of an error, followed by those of its causes: `fetch failed: connect ECONNREFUSED
 * 127.0.0.1:443`. On one line, escaped, at most 4,000 characters. The code of a system error is added
 * where no message has it.
 */
export function failureText(error: unknown): string {
  return printable(messagesOf(error, 0).join(': ') || 'no answer', MAX_LENGTH)
}

/** The code of the system error behind it, such as `ECONNREFUSED`, if there is one. */
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
  const own = typeof code === 'string' && !message.includes(code) ? [message, code] : [message]
  // Node joins the attempts at several addresses of a host into an error without a message.
  const behind = messagesOf(cause ?? firstOf(error), depth + 1)
  return [...own.filter((text) => text !== ''), ...behind]
}

/** The first error of an `AggregateError`, of whatever realm. */
function firstOf(error: Error): unknown {
  const { errors } = error as Partial<AggregateError>
  return Array.isArray(errors) ? errors[0] : undefined
}
