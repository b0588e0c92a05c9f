/**
 * Returns the outcome of a verification, and asserts that the verification throws only errors of
 * the package.
 */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { AccessToken } from '../../../src/access-token/access-token.js'
import { ResourceServerError } from '../../../src/index.js'

/** Returns `accepted`, or the status and the failed check, such as `401 signature`. */
export async function outcomeOf(token: Promise<AccessToken>): Promise<string> {
  try {
    assert.ok((await token) instanceof AccessToken)
    return 'accepted'
  } catch (error) {
    assert.ok(error instanceof ResourceServerError, `not a ResourceServerError: ${inspect(error)}`)
    requireValidHeaders(error)
    return `${error.statusCode} ${error.check}`
  }
}

/** Asserts that the values are valid in headers (RFC 9110 §5.5); Node throws for other values. */
function requireValidHeaders({ headers, message }: ResourceServerError): void {
  for (const value of Object.values(headers).flat()) assert.match(value, /^[\x20-\x7e]+$/)
  assert.match(message, /^[\x20-\x7e]+$/)
}
