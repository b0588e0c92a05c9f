/** Wraps errors thrown by functions that the application passes as options. */

import { isError } from '../base/native-error.js'
import { ResourceServerError } from './resource-server-error.js'

/**
 * Returns the error to throw instead of `thrown`. The message of `thrown` may contain secrets, such
 * as a connection string, and Fastify sends error messages to the client; the returned error
 * therefore only names the function. `thrown` is its `cause`, for logs.
 *
 * An error of this package is returned unchanged, because the application threw it to reject the
 * request.
 */
export function applicationFailure(option: string, thrown: unknown): Error {
  if (thrown instanceof ResourceServerError) return thrown
  return new Error(`The function "${option}" failed`, { cause: thrown })
}

/**
 * Returns the error to throw instead of one that `authorize` threw. An error with a 4xx
 * `statusCode` is returned unchanged, because `authorize` may reject a request with an HTTP error
 * of the application. Other errors are replaced as in {@link applicationFailure}; a 5xx
 * `statusCode` is kept, but not the message, because http-errors does not expose the message of a
 * 5xx error to clients.
 */
export function authorizeFailure(thrown: unknown): Error {
  const statusCode = statusCodeOf(thrown)
  if (statusCode >= 400 && statusCode <= 499) return thrown as Error
  const failure = applicationFailure('authorize', thrown)
  const isOfServer = statusCode >= 500 && statusCode <= 599
  return isOfServer && failure !== thrown ? Object.assign(failure, { statusCode }) : failure
}

/**
 * Returns the `statusCode` of an error; NaN if the value is not an error, if its `statusCode` is
 * not a number, or if reading it throws.
 */
function statusCodeOf(thrown: unknown): number {
  try {
    const { statusCode } = (isError(thrown) ? thrown : {}) as { statusCode?: unknown }
    return typeof statusCode === 'number' ? statusCode : Number.NaN
  } catch {
    return Number.NaN
  }
}
