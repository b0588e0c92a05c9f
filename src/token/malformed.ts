/** The refusal of what isn't a token at all, before any of it is trusted. */
import { InvalidTokenError } from '../errors/errors.js'

export const MALFORMED = 'The access token is malformed'

export function malformed(message: string, expected: string, found?: string): InvalidTokenError {
  return new InvalidTokenError(message, { check: 'token', expected, found })
}
