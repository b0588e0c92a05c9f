/** Describes a failure for operators, including the nested causes that carry the actual reason. */

import { isError } from '../base/native-error.js'
import { printable } from './rejection-reason.js'

/** Maximum length of the text, in characters: enough for the errors of three metadata URLs. */
const MAX_LENGTH = 4_000
/** Maximum number of nested causes. The causes of an error may form a cycle. */
const MAX_DEPTH = 5

/**
 * Returns the message of an error, followed by those of its causes: `fetch failed: connect
 * ECONNREFUSED 127.0.0.1:443`. The text is one line of printable ASCII; after 4,000 characters, it
 * is truncated and ends with `…`. The text contains the code of a system error even if the message
 * of that error lacks the code. Returns `no response` if there is no message.
 */
export function failureText(error: unknown): string {
  return printable(messagesOf(error, 0).join(': ') || 'no response', MAX_LENGTH)
}

/**
 * Returns the code of the error or of the first of its causes that has one, such as `ECONNREFUSED`;
 * `undefined` if no error has a code.
 */
export function failureCode(error: unknown, depth = 0): string | undefined {
  if (!isError(error) || depth > MAX_DEPTH) return undefined
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)
    ? code
    : (failureCode(error.cause, depth + 1) ?? failureCode(firstOf(error), depth + 1))
}

function messagesOf(error: unknown, depth: number): string[] {
  if (!isError(error) || depth > MAX_DEPTH) return []
  const { cause } = error
  // Messages of OpenSSL end with a line break. An application may throw an error with any message.
  const message = typeof error.message === 'string' ? error.message.trimEnd() : ''
  const code = (error as NodeJS.ErrnoException).code
  const messages = typeof code === 'string' && !message.includes(code) ? [message, code] : [message]
  // If a connection fails at several addresses of a host, Node throws an AggregateError without a
  // message.
  const causes = messagesOf(cause ?? firstOf(error), depth + 1)
  return [...messages.filter((text) => text !== ''), ...causes]
}

/** Returns the first error of an `AggregateError` of any realm; `undefined` for other errors. */
function firstOf(error: Error): unknown {
  const { errors } = error as Partial<AggregateError>
  return Array.isArray(errors) ? errors[0] : undefined
}
