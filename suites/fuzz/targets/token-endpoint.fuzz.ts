/**
 * Sends responses of a token endpoint to the password grant (G3): nearly valid, malformed, with
 * every status and type, and with the client's credentials in them. Only a 200 that conforms to RFC
 * 6749 §5.1 may result in tokens; all others must result in a `PasswordGrantError` that shows no
 * credentials.
 */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { PasswordGrantError, passwordGrant } from '../../../src/testing/index.js'
import { bodyOf, type SentResponse, sentResponse } from '../arbitraries/documents.js'
import { jsonValue } from '../arbitraries/json.js'
import { type Change, changed, changesTo } from '../arbitraries/members.js'
import { startDocumentServer } from '../harness/document-server.js'
import type { Target } from '../target.js'

interface EndpointCase {
  readonly document: readonly Change[] | string
  readonly sent: SentResponse
}

const SECRETS = {
  username: 'user@example.com',
  password: 'pa55-word "',
  clientSecret: 's3cret%',
}

const HOSTILE_TEXTS = [
  ...Object.values(SECRETS),
  `so ${SECRETS.password} it is`,
  '\u001b[31m',
  'a\nb',
  '',
].map((text) => JSON.stringify(text))

const RESPONSE_MEMBERS = {
  access_token: ['""', 'null', '1', ...HOSTILE_TEXTS],
  token_type: ['"bearer"', '"BEARER"', '"DPoP"', '"mac"', '""', 'null'],
  expires_in: ['3600', '"3600"', '-1', '1e400', '0', 'null'],
  scope: ['"a b"', '""', '[]', 'null'],
  refresh_token: ['"x"', '""', '1'],
  id_token: ['"x.y.z"', '"eyJ.e30."', '""', 'null'],
  error: ['"invalid_grant"', '"invalid_client"', '""', ...HOSTILE_TEXTS],
  error_description: HOSTILE_TEXTS,
  errorSummary: HOSTILE_TEXTS,
}

export const tokenEndpoint: Target<EndpointCase> = {
  name: 'token-endpoint',
  share: 0.002,
  cases: fc.record({
    document: fc.oneof(
      { weight: 8, arbitrary: changesTo(RESPONSE_MEMBERS) },
      { weight: 1, arbitrary: jsonValue },
      { weight: 1, arbitrary: fc.constantFrom('<!doctype html><p>no', '', 'access_token=x') },
    ),
    sent: sentResponse('application/json'),
  }),
  requiredOutcomes: ['tokens', 'invalid_response'],
  async open() {
    const server = await startDocumentServer()
    const valid = { access_token: 'x.y.z', token_type: 'Bearer', expires_in: 3600 }
    return {
      async run({ document, sent }) {
        const text = typeof document === 'string' ? document : changed(valid, document)
        server.serve('/token', text, sent)
        const tokenEndpoint = `${server.origin}/token`
        const options = { tokenEndpoint, clientId: 'client', ...SECRETS }
        try {
          const tokens = await passwordGrant(options)
          const document = JSON.parse(
            bodyOf(text, sent)
              .toString()
              .replace(/^\ufeff/, ''),
          )
          assert.equal(sent.status, 200)
          assert.equal(tokens.access_token, document.access_token)
          assert.ok(typeof tokens.access_token === 'string' && tokens.access_token !== '')
          assert.equal(tokens.token_type, 'bearer')
          return 'tokens'
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error
          assert.ok(error instanceof PasswordGrantError, inspect(error))
          requireNoCredentials(error)
          assert.equal(server.count('/moved'), 0, 'followed a redirect')
          return ['invalid_response', 'unreachable'].includes(error.error) ? error.error : 'error'
        }
      },
      close: server.close,
    }
  },
}

/** Asserts that no credential is shown, neither raw nor escaped by `inspect()`. */
function requireNoCredentials(error: PasswordGrantError): void {
  const shown = [error.message, error.errorDescription, inspect(error, { depth: 9 })].join('\n')
  for (const secret of Object.values(SECRETS)) {
    assert.ok(!shown.includes(secret), 'a credential is in the error')
  }
  assert.ok((error.errorDescription ?? '').length <= 301)
  assert.doesNotMatch(`${error.message}${error.errorDescription}`, /\p{Cc}/u)
}
