/**
 * Answers of a token endpoint to the password grant (G3): nearly right, broken, with every status and
 * type, and with our own credentials in them. Tokens come of a 200 that RFC 6749 §5.1 knows;
 * everything else is a `PasswordGrantError` that shows no credentials.
 */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { PasswordGrantError, passwordGrant } from '../../../src/testing/index.js'
import { bodyOf, type Sent, sent } from '../arbitraries/documents.js'
import { jsonValue } from '../arbitraries/json.js'
import { type Change, changed, changesTo } from '../arbitraries/members.js'
import { startDocumentServer } from '../stage/document-server.js'
import type { Target } from '../target.js'

interface EndpointCase {
  readonly document: readonly Change[] | string
  readonly sent: Sent
}

const SECRETS = {
  username: 'somebody@example.com',
  password: 'pa55-word "',
  clientSecret: 's3cret%',
}

const SAID = [
  ...Object.values(SECRETS),
  `so ${SECRETS.password} it is`,
  '\u001b[31m',
  'a\nb',
  '',
].map((text) => JSON.stringify(text))

const ANSWER = {
  access_token: ['""', 'null', '1', ...SAID],
  token_type: ['"bearer"', '"BEARER"', '"DPoP"', '"mac"', '""', 'null'],
  expires_in: ['3600', '"3600"', '-1', '1e400', '0', 'null'],
  scope: ['"a b"', '""', '[]', 'null'],
  refresh_token: ['"x"', '""', '1'],
  id_token: ['"x.y.z"', '"eyJ.e30."', '""', 'null'],
  error: ['"invalid_grant"', '"invalid_client"', '""', ...SAID],
  error_description: SAID,
  errorSummary: SAID,
}

export const tokenEndpoint: Target<EndpointCase> = {
  name: 'token-endpoint',
  share: 0.002,
  cases: fc.record({
    document: fc.oneof(
      { weight: 8, arbitrary: changesTo(ANSWER) },
      { weight: 1, arbitrary: jsonValue },
      { weight: 1, arbitrary: fc.constantFrom('<!doctype html><p>no', '', 'access_token=x') },
    ),
    sent: sent('application/json'),
  }),
  mustSee: ['tokens', 'invalid_response'],
  async open() {
    const server = await startDocumentServer()
    const good = { access_token: 'x.y.z', token_type: 'Bearer', expires_in: 3600 }
    return {
      async play({ document, sent }) {
        const text = typeof document === 'string' ? document : changed(good, document)
        server.serve('/token', text, sent)
        const tokenEndpoint = `${server.origin}/token`
        const options = { tokenEndpoint, clientId: 'client', ...SECRETS }
        try {
          const tokens = await passwordGrant(options)
          const said = JSON.parse(
            bodyOf(text, sent)
              .toString()
              .replace(/^\ufeff/, ''),
          )
          assert.equal(sent.status, 200)
          assert.equal(tokens.access_token, said.access_token)
          assert.ok(typeof tokens.access_token === 'string' && tokens.access_token !== '')
          assert.equal(tokens.token_type, 'bearer')
          return 'tokens'
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error
          assert.ok(error instanceof PasswordGrantError, inspect(error))
          requireDiscreet(error)
          assert.equal(server.count('/moved'), 0, 'followed a redirect')
          return ['invalid_response', 'unreachable'].includes(error.error) ? error.error : 'error'
        }
      },
      close: server.close,
    }
  },
}

/** As inspected, which escapes, and as it is. */
function requireDiscreet(error: PasswordGrantError): void {
  const shown = [error.message, error.errorDescription, inspect(error, { depth: 9 })].join('\n')
  for (const secret of Object.values(SECRETS)) {
    assert.ok(!shown.includes(secret), 'a credential is in the error')
  }
  assert.ok((error.errorDescription ?? '').length <= 301)
  assert.doesNotMatch(`${error.message}${error.errorDescription}`, /\p{Cc}/u)
}
