/** Wraps errors thrown by functions that the application passes as options. */

import { isError } from '../base/native-error.js'
import { ResourceServerError } from './errors.js'

/**
 * Returns the error to throw in place of `thrown`, whose message may contain secrets, such as a
 * connection string: Fastify sends error messages to the client. `thrown` is the `cause`, for logs.
 *
 * Returns an error of this package unchanged: the application threw it to reject the request.
 */
export function applicationFailure(option: string, thrown: unknown): Error {
  if (thrown instanceof ResourceServerError) return thrown
  return new Error(`The function "${option}" failed`, { cause: thrown })
}

/**
 * Returns the error to throw for one that `authorize` threw. An error with a 4xx `statusCode` is
 * returned unchanged, because `authorize` may reject a request with an HTTP error of the
 * application. Of a 5xx error only the `statusCode` is kept: its message is for the operator, as
 * http-errors defines it.
 */
export function authorizeFailure(thrown: unknown): Error {
  const statusCode = statusCodeOf(thrown)
  if (statusCode >= 400 && statusCode <= 499) return thrown as Error
  const failure = applicationFailure('authorize', thrown)
  const isOfServer = statusCode >= 500 && statusCode <= 599
  return isOfServer && failure !== thrown ? Object.assign(failure, { statusCode }) : failure
}

/** Returns `statusCode` of an error, or NaN if it has none. */
function statusCodeOf(thrown: unknown): number {
  try {
    const { statusCode } = (isError(thrown) ? thrown : {}) as { statusCode?: unknown }
    return typeof statusCode === 'number' ? statusCode : Number.NaN
  } catch {
    return Number.NaN
  }
}
