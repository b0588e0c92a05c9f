/** What came of a token, and that nothing was thrown but errors of ours. */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { AccessToken } from '../../../src/access-token/access-token.js'
import { ResourceServerError } from '../../../src/index.js'

/** `accepted`, or the status and the check: `401 signature`. */
export async function verdictOf(token: Promise<AccessToken>): Promise<string> {
  try {
    assert.ok((await token) instanceof AccessToken)
    return 'accepted'
  } catch (error) {
    assert.ok(error instanceof ResourceServerError, `not an error of ours: ${inspect(error)}`)
    requireValidHeaders(error)
    return `${error.statusCode} ${error.check}`
  }
}

/** RFC 9110 §5.5; what Node would throw at. */
function requireValidHeaders({ headers, message }: ResourceServerError): void {
  for (const value of Object.values(headers).flat()) assert.match(value, /^[\x20-\x7e]+$/)
  assert.match(message, /^[\x20-\x7e]+$/)
}
