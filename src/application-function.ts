/** Errors of functions that the application passes as options and that see unverified tokens. */
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
