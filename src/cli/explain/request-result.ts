/** Tells how an API responds to a request with a token, and whether it reads a token from it at all. */
import { bearerToken } from '../../credentials/bearer.js'
import { MissingCredentialsError } from '../../errors/errors.js'
import { ResourceServerError } from '../../errors/resource-server-error.js'
import type { GivenToken } from './given-token.js'
import { type Step, stepOf } from './step.js'

/** How an API responds to a request with the token. */
export type RequestResult =
  | { readonly accepted: true }
  | {
      readonly accepted: false
      /** HTTP status of the response. */
      readonly status: number
      readonly code: string
      readonly message: string
      /** The step that rejected the request. */
      readonly step: Step['name']
      /**
       * The layer of an encrypted token that is at fault: the JWE, or the JWT in it. Absent if the
       * token is not encrypted, or if an API rejects the input as credentials.
       */
      readonly layer?: 'encrypted token' | 'content'
    }

/** Returns the result of extracting a bearer token from the header, as the plugin does. */
export function resultOfHeader({ authorization }: GivenToken): RequestResult {
  try {
    const token = bearerToken({ rawHeaders: ['authorization', authorization] })
    return token === undefined ? rejected(new MissingCredentialsError()) : { accepted: true }
  } catch (error) {
    return rejected(error)
  }
}

/**
 * Returns the result for a rejection.
 *
 * @throws the given error itself if it is not a rejection.
 */
export function rejected(error: unknown): RequestResult {
  if (!(error instanceof ResourceServerError)) throw error
  const { statusCode: status, code, message, check } = error
  return { accepted: false, status, code, message, step: stepOf(check) }
}
