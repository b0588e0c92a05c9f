/** Errors of functions that the application passes as options. */

import { isError } from '../base/native-error.js'
import { ResourceServerError } from './errors.js'

/**
 * Returns the error to throw in place of `thrown`: its message may contain secrets, such as a
 * connection string, and Fastify sends the message of an error to the client. The log has the `cause`.
 *
 * Returns an error of this package unchanged: the application threw it to reject the request.
 */
export function applicationFailure(option: string, thrown: unknown): Error {
  if (thrown instanceof ResourceServerError) return thrown
  return new Error(`The function "${option}" failed`, { cause: thrown })
}

/**
 * The same for `authorize`, which may also reject a request with an HTTP error of the application:
 * returns an error with a 4xx `statusCode` unchanged. Of one with a 5xx, only the `statusCode` stays,
 * because its message is for the operator, as http-errors defines it.
 */
export function authorizeFailure(thrown: unknown): Error {
  const statusCode = statusCodeOf(thrown)
  if (statusCode >= 400 && statusCode <= 499) return thrown as Error
  const failure = applicationFailure('authorize', thrown)
  const isOfServer = statusCode >= 500 && statusCode <= 599
  return isOfServer && failure !== thrown ? Object.assign(failure, { statusCode }) : failure
}

/** NaN if it has none. */
function statusCodeOf(thrown: unknown): number {
  try {
    const { statusCode } = (isError(thrown) ? thrown : {}) as { statusCode?: unknown }
    return typeof statusCode === 'number' ? statusCode : Number.NaN
  } catch {
    return Number.NaN
  }
}
