/** G1 to G4: the helper for the password grant (RFC 6749 §4.3), with a scripted token endpoint. */
import type { IncomingMessage } from 'node:http'
import { PasswordGrantError, passwordGrant } from 'fastify-resource-server/testing'
import { json, startKeyServer, text } from '../../../test/fixtures/key-server.js'
import { type Check, RuleViolation, rule } from '../check.js'
import { expectThat } from '../harness/expect.js'

const NEEDS = ['password-grant'] as const
const OPTIONS = {
  clientId: 'client: id',
  clientSecret: 'secret+ü%',
  username: 'user@example.com',
  password: 'p&s= w+rd',
  scope: 'openid orders:read',
}
const TOKEN_RESPONSE = { access_token: 'opaque', token_type: 'Bearer', expires_in: 60 }

interface Exchange {
  readonly method: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly form: URLSearchParams
}

/** Returns the request that the helper sends, and its result for the given response. */
async function exchange(respond = json(TOKEN_RESPONSE)) {
  const server = await startKeyServer()
  let seen: Exchange | undefined
  server.respond('/token', async (response, request) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen = { method: request.method, headers: request.headers, form: new URLSearchParams(body) }
    respond(response, request)
  })
  try {
    const outcome = await passwordGrant({
      ...OPTIONS,
      tokenEndpoint: `${server.origin}/token`,
    }).catch((error: unknown) => error)
    return { outcome, seen }
  } finally {
    await server.close()
  }
}

export const passwordGrantHelper: readonly Check[] = [
  rule(
    'G1',
    'RFC 6749 §4.3.2',
    'MUST',
    'The request is a POST of the form of the grant',
    NEEDS,
    async () => {
      const { seen } = await exchange()
      if (seen === undefined) throw new RuleViolation('a request', 'none')
      expectThat(seen.method === 'POST', 'POST', `${seen.method}`)
      const type = seen.headers['content-type'] ?? ''
      expectThat(/^application\/x-www-form-urlencoded\b/.test(type), 'a form', type)
      const { username, password, scope } = OPTIONS
      for (const [name, value] of Object.entries({
        grant_type: 'password',
        username,
        password,
        scope,
      })) {
        expectThat(seen.form.get(name) === value, `${name} unchanged`, 'something else')
      }
    },
  ),

  rule(
    'G2',
    'RFC 6749 §2.3.1',
    'MUST',
    'Client ID and secret are form-encoded before base64',
    NEEDS,
    async () => {
      const { seen } = await exchange()
      const [scheme, credentials = ''] = (seen?.headers.authorization ?? '').split(' ')
      const found = Buffer.from(credentials, 'base64').toString()
      expectThat(scheme === 'Basic', 'Basic', `${scheme}`)
      const isEncoded = /^client%3A(\+|%20)id:secret%2B%C3%BC%25$/.test(found)
      expectThat(isEncoded, 'both encoded', 'something else')
    },
  ),

  rule('G3', 'RFC 6749 §5.1', 'MUST', 'token_type is case-insensitive', NEEDS, async () => {
    for (const token_type of ['Bearer', 'bearer', 'BEARER']) {
      const { outcome } = await exchange(json({ ...TOKEN_RESPONSE, token_type }))
      const isToken = (outcome as { access_token?: string }).access_token === 'opaque'
      expectThat(isToken, `a token of type ${token_type}`, 'an error')
    }
  }),

  rule('G3', 'RFC 6749 §5.2', 'MUST', 'An error is reported with its code', NEEDS, async () => {
    for (const error of ['invalid_grant', 'invalid_scope', 'unauthorized_client']) {
      const { outcome } = await exchange((response) =>
        response
          .writeHead(400, { 'content-type': 'application/json' })
          .end(JSON.stringify({ error })),
      )
      const isReported = outcome instanceof PasswordGrantError && outcome.error === error
      expectThat(isReported, error, 'something else')
    }
  }),

  rule(
    'G3',
    'RFC 6749 §5.1',
    'ours',
    'HTML, malformed JSON and an empty body are reported as a PasswordGrantError',
    NEEDS,
    async () => {
      for (const [what, respond] of Object.entries({
        HTML: text('<html>Sign in</html>', { 'content-type': 'text/html' }),
        'malformed JSON': text('{"access_token":', { 'content-type': 'application/json' }),
        'an empty body': text(''),
        'no token': json({ token_type: 'Bearer' }),
      })) {
        const { outcome } = await exchange(respond)
        expectThat(
          outcome instanceof PasswordGrantError,
          `a PasswordGrantError for ${what}`,
          'something else',
        )
      }
    },
  ),

  rule(
    'G4',
    'RFC 9700 §2.4',
    'ours',
    'In production the helper throws before it sends a request',
    NEEDS,
    async () => {
      const before = process.env.NODE_ENV
      process.env.NODE_ENV = 'production'
      const attempt = exchange()
      const { outcome, seen } = await attempt.finally(() => {
        if (before === undefined) delete process.env.NODE_ENV
        else process.env.NODE_ENV = before
      })
      expectThat(outcome instanceof Error, 'an error', 'a token')
      expectThat(seen === undefined, 'no request', 'one')
    },
  ),
]
